"""How do the numbers travel inside the page? As JSON that no name can break out of, once to read and once to save."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from fewsight.explain.analysis import Analysis
from fewsight.explain.record import plain

ROOM = 400_000
"""Characters of JSON a page holds (it does so twice); beyond it the longest arrays stay out and are named."""


@dataclass(frozen=True)
class Embedded:
    """`script` for a `<script type="application/json">`, `link` for a download, `trimmed` the kinds without values."""

    script: Markup
    link: str
    trimmed: list[str]


def embed(analysis: Analysis) -> Embedded:
    """The analysis as JSON; what JSON has no word for (NaN, infinity) becomes null."""
    record = plain(analysis.to_json())
    explanations, trimmed = record["explanations"], []
    for kind in sorted(explanations, key=lambda kind: -analysis[kind].values.size):
        if len(json.dumps(record)) <= ROOM:
            break
        explanations[kind]["values"] = None
        trimmed.append(kind)
    script, link = packed(record)
    return Embedded(script, link, trimmed)


def packed(record: dict[str, Any]) -> tuple[Markup, str]:
    """A JSON record as the body of an inert `<script>` and as the address of a download."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    inert = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(inert), "data:application/json;base64," + base64.b64encode(text.encode()).decode()
