"""The part of JSON Schema (2020-12) that the schemas in docs/ use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}
KNOWN = {
    "type", "const", "enum", "anyOf", "required", "properties", "additionalProperties", "items", "minItems", "maxItems",
    "$ref",
    "$schema", "$defs", "title", "description",
}  # fmt: skip


def load(name: str) -> dict[str, Any]:
    return json.loads((DOCS / name).read_text(encoding="utf-8"))


def errors(value: Any, schema: Any, root: dict[str, Any], at: str = "") -> list[str]:
    """Where `value` breaks `schema`, a line each; empty where it keeps it."""
    if isinstance(schema, bool):
        return [] if schema else [f"{at}: not allowed"]
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    found = []
    if "$ref" in schema:
        file, _, inside = schema["$ref"].partition("#/$defs/")
        other = load(file) if file else root
        found += errors(value, other["$defs"][inside] if inside else other, other, at)
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        found += [] if any(_is(value, name) for name in names) else [f"{at}: {value!r} is no {names}"]
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value!r} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if "anyOf" in schema and all(errors(value, each, root) for each in schema["anyOf"]):
        found.append(f"{at}: {value!r} fits none")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{at}: {len(value)} items")
        for index, item in enumerate(value):
            found += errors(item, schema.get("items", True), root, f"{at}[{index}]")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{at}: no {name}" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            found += errors(item, known.get(name, schema.get("additionalProperties", True)), root, f"{at}.{name}")
    return found


def _is(value: Any, name: str) -> bool:
    if name in ("number", "integer"):
        return isinstance(value, int if name == "integer" else int | float) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])
