"""Which columns does a table have, and what does a cell of it hold? Numbers, or one of a category's levels.

Rows as people bring them become a matrix: numbers as they are, levels by their position, what is missing as NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fewsight.domains.tables.file import MISSING, number
from fewsight.errors import DataError
from fewsight.view import cut

Row = Mapping[str, Any]
NUMERIC = 0.8
"""The share of numbers from which a column is taken for numbers, and anything else in it for a slip."""
LARGEST = 1e100
"""Numbers whose squares can still be added."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        levels: of a category, in the order of their codes; () for numbers.
        centre, scale: of numbers: a value v enters a model as (v - centre) / scale.
    """

    name: str
    kind: Literal["number", "category"] = "number"
    levels: tuple[str, ...] = ()
    centre: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(self.levels))
        if self.kind not in ("number", "category") or not self.scale > 0:
            raise ValueError(f"column {self.name!r}: kind {self.kind!r}, scale {self.scale}")


def known(value: Any) -> Any:
    """The value; None where it stands for a missing one."""
    if value is None or (isinstance(value, float | np.floating) and value != value):
        return None
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return value
    text = str(value).strip()  # pandas' NA spells "<NA>"
    return None if text.casefold() in MISSING or text == "<NA>" else text


def level(value: Any) -> str:
    """The level's name: whole numbers without a point, however the file wrote them (3, 3.0, "3.0")."""
    found = None if isinstance(value, bool | np.bool_) else number(value)
    return str(value) if found is None or found != int(found) else str(int(found))


def infer(rows: Sequence[Row]) -> tuple[Column, ...]:
    """The columns of `rows`, in order of appearance; numbers get their centre and scale by `scaled`."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(str(name), []).append(known(value))
    columns = []
    for name, values in found.items():
        there = [value for value in values if value is not None]
        numbers = sum(not isinstance(value, bool | np.bool_) and number(value) is not None for value in there)
        if numbers >= NUMERIC * len(there):
            columns.append(Column(name))
        else:
            columns.append(Column(name, "category", tuple(sorted({level(value) for value in there}))))
    return tuple(columns)


def matrix(rows: Sequence[Row], names: Sequence[str], columns: Sequence[Column]) -> tuple[np.ndarray, tuple[str, ...]]:
    """`(n, C)` float64 and notes on what was taken for missing or left out.

    Raises:
        DataError: no rows, no column that is known, or what should be a number and is none.
    """
    if not rows:
        raise DataError("there are no rows: give at least one")
    given = {str(name) for row in rows for name in row}
    absent = [column.name for column in columns if column.name not in given]
    if len(absent) == len(columns):
        raise DataError(
            f"{names[0]}: none of the columns this model knows is there ({', '.join(absent[:5])}...): "
            "name the columns as in its training data"
        )
    values = np.full((len(rows), len(columns)), np.nan)
    strange: dict[str, dict[str, int]] = {}
    for r, row in enumerate(rows):
        by_name = {str(name): value for name, value in row.items()}
        for c, column in enumerate(columns):
            value = known(by_name.get(column.name))
            if value is None:
                continue
            if column.kind == "number":
                if (found := number(value)) is None:
                    raise DataError(
                        f"{names[r]}, column {column.name!r}: {_short(value)} is not a number: write one, or leave the "
                        "cell empty where it is missing"
                    )
                if abs(found) > LARGEST:
                    raise DataError(
                        f"{names[r]}, column {column.name!r}: {found:g} is too large to be meant: correct it"
                    )
                values[r, c] = found
            elif (name := level(value)) in column.levels:
                values[r, c] = column.levels.index(name)
            else:
                counts = strange.setdefault(column.name, {})
                counts[name] = counts.get(name, 0) + 1
    notes = [f"column {name!r} is not there: its values count as missing" for name in absent]
    notes += [
        f"column {column!r}: {_short(name)} was not among the levels known ({count} of {len(rows)} rows): counts as "
        "missing"
        for column, counts in strange.items()
        for name, count in counts.items()
    ]
    if unknown := sorted(given - {column.name for column in columns}):
        listed = ", ".join(map(repr, unknown[:5])) + ("..." if len(unknown) > 5 else "")
        notes.append(f"columns this model does not know were left out: {listed}")
    return values, tuple(notes)


def _short(value: Any) -> str:
    return repr(cut(str(value), 40))
