"""How does a model see a row of a table? As a set of cells, one for each column, with a mask of what is there.

A row is `{"cells": (n, C, 2 + code), "mask": (n, C), "size": (n,)}`. A cell holds the standardised number, 1 for a
category (0 for a number), and the code of the level: its indicator where the levels fit, else signs hashed from its
name. So a column is a position, and what hides positions hides columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from fewsight.domains.format import GUESSED, Columns, Examples
from fewsight.domains.rows.schema import Column, Row, infer, matrix
from fewsight.domains.rows.view import RowView
from fewsight.domains.tables import columns as tables
from fewsight.errors import DataError
from fewsight.task import Support
from fewsight.tree import Tree

LIMIT = 10.0
"""Numbers further than so many scales from the centre count as so far: one slip must not drown all others."""


@dataclass(frozen=True)
class RowFormat(tables.ReadsTables):
    """A `Format` of rows.

    Attributes:
        columns: what the rows hold; () where every task has columns of its own, which its support decides (`fitted`).
        slots: positions C, at least as many as columns; 0: as many.
        code: numbers that a level's code takes.
        classes: of the tasks it was made for, where all have the same, in their order.
    """

    kind: ClassVar[str] = "rows"
    columns: tuple[Column, ...] = ()
    slots: int = 0
    code: int = 8
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        read = (column if isinstance(column, Column) else Column(**column) for column in self.columns)
        object.__setattr__(self, "columns", tuple(read))
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "slots", self.slots or len(self.columns))
        if len(self.columns) > self.slots:
            raise DataError(f"there are {len(self.columns)} columns, but this model takes {self.slots}: leave some out")

    @property
    def shape(self) -> dict[str, tuple[int, ...]]:
        return {"cells": (self.slots, 2 + self.code), "mask": (self.slots,), "size": ()}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def ready(self, stored: Tree) -> Tree:
        return stored

    def fitted(self, rows: Sequence[Row], names: Sequence[str]) -> RowFormat:
        """This format where it has columns; else with the columns, centres and scales of `rows`, a support set."""
        if self.columns:
            return self
        found = replace(self, columns=infer(rows))
        return found.scaled(matrix(rows, names, found.columns)[0])

    def scaled(self, values: np.ndarray) -> RowFormat:
        """With the mean and standard deviation of `values` `(n, C)` as centre and scale of the numbers."""
        return replace(self, columns=tuple(map(_scaled, self.columns, values.T)))

    def tensors(self, values: np.ndarray) -> Tree:
        """Rows `(n, C)` as `rowschema.matrix` gives them, as the model takes them."""
        n, c = values.shape
        cells, mask = np.zeros((n, self.slots, 2 + self.code)), np.zeros((n, self.slots))
        mask[:, :c] = ~np.isnan(values)
        filled = np.where(mask[:, :c] > 0, values, 0.0)
        for place, column in enumerate(self.columns):
            if column.kind == "number":
                cells[:, place, 0] = np.clip((filled[:, place] - column.centre) / column.scale, -LIMIT, LIMIT)
            elif column.levels:
                cells[:, place, 1] = 1
                cells[:, place, 2:] = self._codes[place][filled[:, place].astype(int)]
        cells *= mask[..., None]
        tensors = {"cells": cells, "mask": mask}
        return {name: torch.from_numpy(array.astype(np.float32)) for name, array in tensors.items()} | {
            "size": torch.full((n,), c)
        }

    def encode(self, raw: Sequence[Row], names: Sequence[str]) -> Examples:
        """Rows, from column name to value. What stands for missing is in `tablefile.MISSING`."""
        if not self.columns:
            raise DataError(
                "this model takes any columns: let the support decide them first (format.fitted(rows, names))"
            )
        values, notes = matrix(raw, names, self.columns)
        far = [
            f"{name}, column {column.name!r}: {values[r, c]:g} is far from what the model knows and counts as "
            f"{column.centre + np.sign(values[r, c] - column.centre) * LIMIT * column.scale:g}"
            for r, name in enumerate(names)
            for c, column in enumerate(self.columns)
            if column.kind == "number" and abs(values[r, c] - column.centre) > LIMIT * column.scale
        ]
        if len(far) > 3:
            far = [*far[:3], f"and {len(far) - 3} more such values"]
        views = tuple(
            RowView(name, self.names, _texts(row, self.columns)) for name, row in zip(names, values, strict=True)
        )
        return Examples(self.tensors(values), tuple(names), views, (*notes, *far))

    def read_support(self, path: Path, columns: Columns = GUESSED) -> tuple[Support, Examples]:
        support, examples = tables.read_support(self.for_support(path, columns), path, columns)
        if support.labels is None or not self.classes:
            return support, examples
        labels = [support.labels[c] for c in support.y.tolist()]
        if set(labels) <= set(self.classes):  # a model with a head for each class knows them by their order
            return Support.of(support.x, labels, classes=self.classes), examples
        note = f"this model was trained to tell {', '.join(self.classes)}; the labels here are others"
        return support, replace(examples, notes=(*examples.notes, note))

    def for_support(self, path: Path, columns: Columns = GUESSED) -> RowFormat:
        """`fitted` to a file: how a support set there, and queries beside it, are read."""
        if self.columns:
            return self
        found = tables.rows(Path(path), self.kind, columns)
        return self.fitted(found.raw, found.names)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @cached_property
    def _codes(self) -> list[np.ndarray]:
        """By column, the codes of its levels `(levels, code)`."""
        return [_codes(column.levels, self.code) for column in self.columns]


def _scaled(column: Column, values: np.ndarray) -> Column:
    there = values[~np.isnan(values)]
    if column.kind == "category" or not len(there):
        return column
    spread = float(there.std())
    # Values that hardly differ for their size differ by rounding only.
    scale = spread if spread > 1e-9 * max(1.0, float(np.abs(there).max())) else 1.0
    return replace(column, centre=float(there.mean()), scale=scale)


def _codes(levels: Sequence[str], code: int) -> np.ndarray:
    if len(levels) <= code:
        return np.eye(len(levels), code)
    signs = [[1 if byte & 1 else -1 for byte in _bytes(name, code)] for name in levels]
    return np.array(signs) / code**0.5


def _bytes(name: str, count: int) -> Iterable[int]:
    return hashlib.shake_256(name.encode()).digest(count)


def _texts(row: np.ndarray, columns: Sequence[Column]) -> tuple[str, ...]:
    """What each cell holds, as people read it."""
    return tuple(
        "missing" if np.isnan(value) else f"{value:g}" if column.kind == "number" else column.levels[int(value)]
        for value, column in zip(row, columns, strict=True)
    )
