"""How does a value become JSON in the strict sense? Plain lists and dictionaries; None for what is not a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """`value` as data that any JSON reader takes.

    Arrays become nested lists, NaN and infinity None, a dataclass its `to_json()` or else its fields, and what is left
    (a label of any kind) its text.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "to_json"):
        return plain(value.to_json())
    return plain(of_fields(value)) if is_dataclass(value) and not isinstance(value, type) else str(value)


def of_fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, as they are."""
    return {each.name: getattr(value, each.name) for each in fields(value)}
