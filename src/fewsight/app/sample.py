"""Which task does a person find at the start? One of the run's own test split, where its inputs can be read back.

Texts cannot, and molecules only where the domain keeps their SMILES (assays): else the task is made up here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fewsight import tree
from fewsight.domains import ClassDomain, Episodes, ImageFormat, RowFormat
from fewsight.domains.given import GivenTasks
from fewsight.errors import DataError, RecipeError
from fewsight.explain import game
from fewsight.training import Run
from fewsight.tree import Tree

if TYPE_CHECKING:
    from fewsight.domains.molecules.assays import AssayDomain

VALUES = 10
"""Examples of a task of values."""
QUESTIONS = 8
"""Queries of a task of the world; of drawn classes there is one each."""

MADE_UP: dict[str, dict[str, tuple[str, ...]]] = {
    "texts": {
        "weather": ("will it rain tomorrow in Lisbon", "how cold is it outside", "do i need an umbrella this evening"),
        "music": ("play some jazz", "turn the volume of this song up", "skip to the next song please"),
        "payment": ("send forty euros to my sister", "pay the phone bill", "transfer money to my savings account"),
    },
    "molecules": {
        "alcohol": ("CCO", "CC(C)O", "OCCCC"),
        "acid": ("CC(=O)O", "CCCC(=O)O", "OC(=O)c1ccccc1"),
        "amine": ("CCN", "CC(C)N", "NCc1ccccc1"),
    },
}
"""By kind, class and place; the last of each class is a query."""


@dataclass(frozen=True)
class Sample:
    """Raw inputs with their labels; `asked` is the place of the query that the screen starts with."""

    support: list[tuple[Any, str]]
    queries: list[tuple[Any, str]]
    asked: int


class Samples:
    """Sample tasks of a run by number.

    Raises:
        DataError: the run's data cannot be opened.
    """

    def __init__(self, run: Run) -> None:
        self._form = run.format
        assays = _assays(run)
        self._smiles = None if assays is None else assays.smiles
        self._made_up = MADE_UP.get(self._form.kind) if assays is None else None
        if self._made_up is not None:
            return
        domain, ways = assays or run.domain(), run.recipe.test.ways
        classes = domain.outputs is None
        # As many as exact values of each are possible for.
        shots = max(1, game.EXACT // ways) if classes else VALUES
        drawn = isinstance(domain, ClassDomain)
        family = domain.family("test", ways=ways, shots=shots, queries=1 if drawn else QUESTIONS)
        if self._smiles is not None:
            assert isinstance(family, GivenTasks)
            family = replace(family, ready=lambda places: places, even=True)
        self._episodes = Episodes(family, 0, "workbench")

    def __getitem__(self, number: int) -> Sample:
        if self._made_up is not None:
            return _made_up(self._made_up, number)
        task = self._episodes[number]
        support, queries = self._raw(task.support.x), self._raw(task.query)
        given, truth = _labels(task.support.y, task.support.labels), _labels(task.target, task.support.labels)
        asked = int(np.random.default_rng(number).integers(len(queries)))
        return Sample(list(zip(support, given, strict=True)), list(zip(queries, truth, strict=True)), asked)

    def _raw(self, x: Tree) -> list[Any]:
        if self._smiles is not None:
            return [self._smiles[place] for place in x.tolist()]
        if isinstance(self._form, ImageFormat):
            return list((255 * x).round().byte().numpy())
        if isinstance(self._form, RowFormat) and self._form.columns:
            return rows(self._form, x)
        raise DataError("its tasks have columns of their own")


def _assays(run: Run) -> AssayDomain | None:
    """The run's domain, where it is of assays and can be opened: it keeps the SMILES of each molecule."""
    if run.format.kind != "molecules":
        return None
    from fewsight.domains.molecules.assays import AssayDomain

    try:
        domain = run.domain()
    except (DataError, RecipeError):
        return None
    return domain if isinstance(domain, AssayDomain) else None


def rows(form: RowFormat, x: Tree) -> list[dict[str, Any]]:
    """Rows as people write them, from `RowFormat.tensors`; missing cells are left out."""
    codes = form.tensors(_levels(form))["cells"][:, :, 2:]
    found = []
    for i in range(tree.length(x)):
        row: dict[str, Any] = {}
        for place, column in enumerate(form.columns):
            cell = x["cells"][i, place]
            if not x["mask"][i, place]:
                continue
            if column.kind == "number":
                # Six digits of the scale: what the model's floats keep.
                digits = 5 - math.floor(math.log10(column.scale))
                row[column.name] = round(float(cell[0]) * column.scale + column.centre, digits)
            else:
                near = (codes[: len(column.levels), place] - cell[2:]).abs().sum(-1)
                row[column.name] = column.levels[int(near.argmin())]
        found.append(row)
    return found


def _levels(form: RowFormat) -> np.ndarray:
    """One row for each place in the longest list of levels."""
    most = max(1, *(len(column.levels) for column in form.columns))
    return np.stack([[min(i, max(0, len(column.levels) - 1)) for column in form.columns] for i in range(most)]) * 1.0


def _labels(y: torch.Tensor, names: Sequence[Any] | None) -> list[str]:
    return [f"{value:.6g}" for value in y[:, 0].tolist()] if names is None else [str(names[c]) for c in y.tolist()]


def _made_up(task: dict[str, tuple[str, ...]], number: int) -> Sample:
    support = [(raw, label) for label, members in task.items() for raw in members[:-1]]
    queries = [(members[-1], label) for label, members in task.items()]
    return Sample(support, queries, number % len(queries))
