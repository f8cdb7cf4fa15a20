"""What are the UCI tables here? 22 small data sets with columns and classes of their own each; a table is a task.

Numbers are standardised by the support of each task, as in use, where nothing else is known of a table. Training tasks
take some columns of a table, in any order and sign, so that what is learned holds for columns never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from fewsight import tree
from fewsight.domains.datadir import DataFile, fetch
from fewsight.domains.domain import GivenDomain
from fewsight.domains.given import Given, GivenTasks
from fewsight.domains.rows.format import LIMIT, RowFormat
from fewsight.domains.rows.schema import Column, matrix
from fewsight.domains.rows.shared import baselines
from fewsight.errors import DataError
from fewsight.task import Task
from fewsight.tree import Tree


class Table(NamedTuple):
    """A file, its column of labels, and the sha256 of its bytes."""

    name: str
    label: str
    digest: str


ADDRESS = (
    "https://raw.githubusercontent.com/renatopp/arff-datasets/c59f172882592bb58982cc54d2d3c8a2b57e9b73/classification/"
)
SLOTS = 60
"""Columns of the widest table (sonar)."""
IDENTIFIERS = {"zoo": "animal"}
"""A column that names the row."""
SPLITS: dict[str, tuple[Table, ...]] = {
    "train": (
        Table("balance.scale", "class", "ba8570478b133a15640672fb67301cead7050624fd3597f21fd7da8396a97485"),
        Table("breast.cancer", "Class", "9149849531f1133ddb0af97060efb860d8272475871104e5e6519d4b0103d33e"),
        Table("breast.w", "Class", "e34b01d1c3213c26d54445278879143d718770aa59f3a363668f45b8fb3b3ed4"),
        Table("column3C", "class", "cf768854cf4cf42b3a3b792a239a81ebfd4fbfafc25fbe2a19d15b3f73249879"),
        Table("credit.a", "class", "3c9c079d1086bf3f56d9853777117d72966221b7ce5efde4fd30359fe6669529"),
        Table("ecoli", "class", "1628f2d06962f257949eb04cd0101a1ce8718d35da52122242f1778ffbaecc5f"),
        Table("glass", "Type", "7666478791baf605953d43f670c2d24b6492dd6467b86520db9a93c5fd84c3d1"),
        Table("haberman", "Survival_status", "a4ba8455a9b3c3af9ad7beac997d42da98bd37ab86b4d835c56962bf9d6c1ce1"),
        Table("ionosphere", "class", "ac7813d87dcbd3ea8ea5addf6204909a74d89c4724d0f6e02c39f3eed13604fe"),
        Table("iris", "class", "8337af8c82669892e870b8ce12740c919559b88a5f3c92e87097481b84581c89"),
        Table("lymph", "class", "37b279ae6ceafd224dd48c3fd8d3225b3798ea76a0f79e06b8b749af95477701"),
        Table("tic-tac-toe", "Class", "1d4b50e01285eb59e1bc1c7ced29b2c4f53b90a6a55ee9386855f0c2716dcfcd"),
        Table("wine", "class", "76484e586e485a2f9b4670fe996189337d7abbbeaf5c0cb2def71d8798b952b3"),
        Table("zoo", "type", "8d60d393bb7c43109dbae1b062af09ae0b92a7b1f335298ca8c5bc63f326c909"),
    ),
    "val": (
        Table("cmc", "Contraceptive_method_used", "92e9d1f143d9dd8b2f8df7b2d9a216cd5405f93fc21b98421ef23d4e440d6ad3"),
        Table("tae", "Class_attribute", "d71c8f2c02b876d72a3ada9593d98fe59635e8d8d4b488bfe72e30aeeb0b7b81"),
        Table("vehicle", "Class", "c815585534f9e8c51c6cbe535770891744f5883081709f3a36a58bd419ce0994"),
    ),
    "test": (
        Table("car", "class", "361952e8eadd9abebbfeaca6056228f0bdabb71a2e8cfa0b5ed49d12b6b9c6c7"),
        Table("dermatology", "class", "0d1c4236e524b90cc570c7c545c2c01d4043a3bba9ca0824b838e919771025ad"),
        Table("hepatitis", "Class", "4cf1419eaaf3a1b0f60aa739e4304ef92c542785205037b92dfc27000a10f16f"),
        Table("sonar", "Class", "658b3b78cde7662acef1b1f723ce7e8b3a32ec15536cb2b82272f3228cd66071"),
        Table("vote", "Class", "d4317c3312a6dde5617b0b464ad6e02aef485b302625e5cb39c1e9eb01307fa4"),
    ),
}
"""Seventeen tables to train with, three of them to validate, and five for the test."""


@dataclass(frozen=True, eq=False)
class TableTasks:
    """Tasks of tables: all classes of which there are enough rows, `shots` rows of each, `queries` in all.

    Attributes:
        varied: columns are left out, turned and moved: for training.
    """

    tasks: Sequence[Given]
    shots: int
    queries: int
    varied: bool = False

    def __post_init__(self) -> None:
        kept = [found for task in self.tasks if (found := _with_enough(task, self.shots + 1)) is not None]
        if not kept:
            raise DataError(f"no table has two classes of {self.shots + 1} rows or more: ask for fewer shots")
        object.__setattr__(self, "family", GivenTasks(kept, self.shots, self.queries))

    family: GivenTasks = None  # type: ignore[assignment]  # filled above

    def draw(self, rng: np.random.Generator) -> Task:
        task = self.family.draw(rng)
        if self.varied:
            size = int(task.query["size"][0])
            kept = rng.permutation(size)[: rng.integers(max(2, size // 2), size + 1)] if size > 2 else np.arange(size)
            slots, signs = rng.permutation(SLOTS)[: len(kept)], rng.choice([-1.0, 1.0], len(kept))
            task = replace(
                task,
                support=replace(task.support, x=_moved(task.support.x, kept, slots, signs)),
                query=_moved(task.query, kept, slots, signs),
            )
        centre, scale = _moments(task.support.x)
        return replace(
            task,
            support=replace(task.support, x=_standardised(task.support.x, centre, scale)),
            query=_standardised(task.query, centre, scale),
        )


def open_uci(data: Path | None = None) -> GivenDomain:
    """The tables. Their columns differ, so the format has none: `format.fitted` takes them from a support.

    Raises:
        DataError: a file is corrupt, or absent and not to be had.
    """
    form = RowFormat(slots=SLOTS)
    files = {
        table: DataFile("uci_small", f"{table.name}.arff", f"{ADDRESS}{table.name}.arff", f"sha256:{table.digest}")
        for tables in SPLITS.values()
        for table in tables
    }
    paths = dict(zip(files, fetch(list(files.values()), data), strict=True))
    tasks = {split: [_read(table, paths[table], form) for table in tables] for split, tables in SPLITS.items()}
    return GivenDomain(
        "uci",
        form,
        tasks,
        metrics=("balanced accuracy", "accuracy"),
        baselines=baselines(),
        draw=lambda of, shots, queries: TableTasks(of, shots, queries, varied=of is tasks["train"]),
    )


def _read(table: Table, path: Path, form: RowFormat) -> Given:
    from scipy.io import arff

    records, meta = arff.loadarff(path)
    columns, rows = [], [{} for _ in records]  # type: list[Column], list[dict[str, object]]
    for name in meta.names():
        if name in (table.label, IDENTIFIERS.get(table.name)):
            continue
        kind, levels = meta[name]
        columns.append(Column(name) if kind == "numeric" else Column(name, "category", tuple(levels)))
        for row, value in zip(rows, records[name], strict=True):
            row[name] = value.decode() if isinstance(value, bytes) else float(value)
    values, _ = matrix(rows, [f"{path.name}, row {place}" for place in range(1, len(rows) + 1)], columns)
    labels = [value.decode() for value in records[table.label]]
    classes = tuple(sorted(set(labels)))
    fitted = replace(form, columns=tuple(columns)).scaled(values)
    y = torch.tensor([classes.index(label) for label in labels])
    return Given(table.name, fitted.tensors(values), y, classes)


def _with_enough(task: Given, least: int) -> Given | None:
    """The task without classes of fewer than `least` rows; None where fewer than two are left."""
    assert task.classes is not None
    kept = [c for c in range(len(task.classes)) if int((task.y == c).sum()) >= least]
    if len(kept) < 2:
        return None
    rows = torch.isin(task.y, torch.tensor(kept))
    place = torch.tensor([kept.index(c) if c in kept else -1 for c in range(len(task.classes))])
    return Given(task.name, tree.take(task.x, rows), place[task.y[rows]], tuple(task.classes[c] for c in kept))


def _moved(x: Tree, kept: np.ndarray, slots: np.ndarray, signs: np.ndarray) -> Tree:
    """Columns `kept` at positions `slots`, numbers multiplied by `signs`."""
    cells, mask = torch.zeros_like(x["cells"]), torch.zeros_like(x["mask"])
    cells[:, slots], mask[:, slots] = x["cells"][:, kept], x["mask"][:, kept]
    cells[:, slots, 0] *= torch.from_numpy(signs.astype(np.float32))
    return {"cells": cells, "mask": mask, "size": torch.full_like(x["size"], len(kept))}


def _moments(x: Tree) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation `(C,)` of what is there of each column of numbers; 0 and 1 where nothing varies."""
    there = x["mask"]
    count = there.sum(0).clamp(min=1)
    centre = (x["cells"][..., 0] * there).sum(0) / count
    spread = (((x["cells"][..., 0] - centre).square() * there).sum(0) / count).sqrt()
    return centre, torch.where(spread > 1e-4, spread, 1.0)


def _standardised(x: Tree, centre: torch.Tensor, scale: torch.Tensor) -> Tree:
    """Levels of categories have no number: their mean is 0 and stays so."""
    cells = x["cells"].clone()
    numbers = x["mask"] * (cells[..., 1] == 0)
    cells[..., 0] = ((cells[..., 0] - centre) / scale).clamp(-LIMIT, LIMIT) * numbers
    return x | {"cells": cells}
