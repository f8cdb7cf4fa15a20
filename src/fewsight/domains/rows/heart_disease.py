"""What is heart disease here? 920 patients of four hospitals, 13 findings each, and a diagnosis. Hospitals are tasks.

One hospital is held out for the test. Patients of the others are for training, but for 30 % of each, which are for
validation. What a hospital did not measure is missing; so is cholesterol where it is 0 (all of Switzerland).
Janosi, Steinbrunn, Pfisterer, Detrano 1989; UCI repository.
"""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from fewsight.domains.datadir import DataFile, fetch
from fewsight.domains.domain import GivenDomain
from fewsight.domains.given import Given, GivenTasks
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.rows.schema import Column, matrix
from fewsight.domains.rows.shared import baselines, divide

ADDRESS = "https://archive.ics.uci.edu/ml/machine-learning-databases/heart-disease/"
HOSPITALS = {
    "cleveland": "a74b7efa387bc9d108d7d0115d831fe9b414b29ae7124f331b622b4efa0427c8",
    "hungarian": "d1ad108f785768cd3d7e82dc522e6f5a61eea93cccfb3a46ee8076f73fc3d796",
    "switzerland": "834a405ccf5b66ab4056bb77794adc8df0b7125186454c0a1d002d33c6c3b314",
    "va": "e7c93d8d0d2acdadfa4c5e8de768e2191e7f618b952e29623f1f0d5949ff6b8f",
}
FILES = tuple(
    DataFile("heart_disease", f"processed.{name}.data", f"{ADDRESS}processed.{name}.data", f"sha256:{digest}")
    for name, digest in HOSPITALS.items()
)
CLASSES = ("healthy", "diseased")
COLUMNS = (
    Column("age"),
    Column("sex", "category", ("0", "1")),
    Column("chest pain", "category", ("1", "2", "3", "4")),
    Column("resting blood pressure"),
    Column("cholesterol"),
    Column("fasting blood sugar > 120", "category", ("0", "1")),
    Column("resting ECG", "category", ("0", "1", "2")),
    Column("maximum heart rate"),
    Column("exercise angina", "category", ("0", "1")),
    Column("ST depression"),
    Column("ST slope", "category", ("1", "2", "3")),
    Column("vessels coloured"),
    Column("thallium", "category", ("3", "6", "7")),
)


def open_heart_disease(
    data: Path | None = None, *, hold_out: Literal["cleveland", "hungarian", "switzerland", "va"] = "cleveland"
) -> GivenDomain:
    """The hospitals; `hold_out` is the one for the test. `shots` patients for each class are drawn as they come.

    Raises:
        DataError: a file is corrupt, or absent and not to be had.
    """
    read = {name: _read(path) for name, path in zip(HOSPITALS, fetch(FILES, data), strict=True)}
    parts = {name: divide(y, 0.7, name) for name, (_, y) in read.items() if name != hold_out}
    train = {name: (read[name][0][first], read[name][1][first]) for name, (first, _) in parts.items()}
    val = {name: (read[name][0][second], read[name][1][second]) for name, (_, second) in parts.items()}
    form = RowFormat(COLUMNS, code=4, classes=CLASSES).scaled(np.concatenate([values for values, _ in train.values()]))
    tasks = {
        split: [Given(name, form.tensors(values), torch.from_numpy(y), CLASSES) for name, (values, y) in of.items()]
        for split, of in (("train", train), ("val", val), ("test", {hold_out: read[hold_out]}))
    }
    return GivenDomain(
        "heart_disease",
        form,
        tasks,
        metrics=("roc auc", "balanced accuracy", "accuracy"),
        baselines=baselines(),
        draw=partial(GivenTasks, balanced=False),
    )


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Findings `(n, 13)` and diagnosis `(n,)`, 1 for diseased."""
    with path.open(newline="") as stream:
        lines = list(csv.reader(stream))
    names = [column.name for column in COLUMNS]
    rows = [dict(zip(names, line[:-1], strict=True)) for line in lines]
    values, _ = matrix(rows, [f"{path.name}, line {place}" for place in range(1, len(rows) + 1)], COLUMNS)
    cholesterol = values[:, names.index("cholesterol")]
    cholesterol[cholesterol == 0] = np.nan
    return values, np.array([int(line[-1]) > 0 for line in lines], dtype=np.int64)
