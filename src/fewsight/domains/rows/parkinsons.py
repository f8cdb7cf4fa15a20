"""What is Parkinson's telemonitoring here? 42 patients who recorded their voice at home. Patients are tasks.

From the first visits of a patient, each with the score (UPDRS, in points) known for that day, the scores of the later
ones are predicted from 16 measures of the voice, age, sex and the day. The authors of the data interpolated the scores
linearly between three examinations in a clinic (Tsanas, Little et al. 2009): a line through the days is a rival.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from fewsight import tree
from fewsight.baselines import Baseline
from fewsight.domains.asked import check_counts
from fewsight.domains.datadir import DataFile, fetch
from fewsight.domains.domain import GivenDomain
from fewsight.domains.given import Given
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.rows.schema import Column, matrix
from fewsight.domains.rows.shared import baselines
from fewsight.errors import DataError
from fewsight.task import Support, Task

FILE = DataFile(
    "parkinsons_telemonitoring",
    "parkinsons_updrs.data",
    "https://archive.ics.uci.edu/ml/machine-learning-databases/parkinsons/telemonitoring/parkinsons_updrs.data",
    "sha256:f2c7d5025dec4e92e7feae367a5f7ccf58789a10ac6b54bdf15976c599f9dd39",
)
PATIENTS, FOLDS = 42, 7
DAY = "test_time"
NOT_INPUTS = ("subject#", "motor_UPDRS", "total_UPDRS")


@dataclass(frozen=True, eq=False)
class VisitTasks:
    """Tasks of patients: one recording of each of `shots` visits in a row, and `queries` recordings of later visits.

    Attributes:
        tasks: their `group` is the day of the visit.
        anywhere: begin at any visit that leaves as many later ones, not at the first.
    """

    tasks: Sequence[Given]
    shots: int
    queries: int
    anywhere: bool = False

    def __post_init__(self) -> None:
        check_counts(shots=self.shots, queries=self.queries)
        for task in self.tasks:
            if (found := len(_days(task))) <= self.shots:
                raise DataError(
                    f"patient {task.name!r} has {found} visits, but {self.shots + 1} are needed: ask for fewer shots"
                )

    def draw(self, rng: np.random.Generator) -> Task:
        """Values are `(K, 1)` points; the support is in order of time."""
        task = self.tasks[int(rng.integers(len(self.tasks)))]
        days = _days(task)
        assert task.group is not None
        of = task.group.numpy()
        begin = int(rng.integers(max(1, len(days) - 2 * self.shots + 1))) if self.anywhere else 0
        seen = days[begin : begin + self.shots]
        given = torch.tensor([int(rng.choice(np.flatnonzero(of == day))) for day in seen])
        asked = torch.from_numpy(rng.permutation(np.flatnonzero(of > seen[-1]))[: self.queries])
        support = Support.of(tree.take(task.x, given), task.y[given])
        return Task(support, tree.take(task.x, asked), task.y[asked], name=task.name)


def open_parkinsons(
    data: Path | None = None,
    *,
    score: Literal["motor", "total"] = "motor",
    fold: Annotated[int, Field(ge=0, lt=FOLDS)] = FOLDS - 1,
) -> GivenDomain:
    """The patients; `shots` are visits.

    Args:
        score: which UPDRS is predicted.
        fold: patients 6 fold + 1 to 6 fold + 6 are for the test, the six before them for validation, all others for
            training.

    Raises:
        DataError: the file is corrupt, or absent and not to be had.
    """
    with fetch([FILE], data)[0].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    # A day before the first examination counts from before the study.
    rows = [row for row in rows if float(row[DAY]) >= 0]
    columns = tuple(
        Column(name, "category", ("0", "1")) if name == "sex" else Column(name)
        for name in rows[0]
        if name not in NOT_INPUTS
    )
    values, _ = matrix(rows, [f"{FILE.name}, row {place}" for place in range(len(rows))], columns)
    owner = np.array([int(row["subject#"]) for row in rows])
    points = torch.tensor([[float(row[f"{score}_UPDRS"])] for row in rows])
    day = torch.tensor([int(float(row[DAY])) for row in rows])
    each = {split: _patients(split, fold) for split in ("train", "val", "test")}
    form = RowFormat(columns, code=2).scaled(values[np.isin(owner, each["train"])])
    tasks = {split: [_task(patient, form, owner, values, points, day) for patient in of] for split, of in each.items()}
    return GivenDomain(
        "parkinsons",
        form,
        tasks,
        metrics=("absolute error", "squared error"),
        baselines=baselines() | {"last value": last_value(), "straight line in time": line(columns)},
        outputs=1,
        draw=lambda of, shots, queries: VisitTasks(of, shots, queries, anywhere=of is tasks["train"]),
    )


def last_value() -> Baseline:
    """The score of the last visit, whatever is asked."""
    return lambda task: task.support.y[-1:].double().expand(len(task.target), -1)


def line(columns: Sequence[Column]) -> Baseline:
    """The least-squares line of the scores over the days."""
    place = [column.name for column in columns].index(DAY)

    def answer(task: Task) -> Tensor:
        days, asked = (x["cells"][:, place, 0].double().numpy() for x in (task.support.x, task.query))
        slope, height = np.polyfit(days, task.support.y[:, 0].double().numpy(), 1)
        return torch.from_numpy(height + slope * asked)[:, None]

    return answer


def _days(task: Given) -> np.ndarray:
    assert task.group is not None
    return np.unique(task.group.numpy())


def _patients(split: str, fold: int) -> list[int]:
    held = {"test": fold, "val": (fold - 1) % FOLDS}
    size = PATIENTS // FOLDS
    groups = [held[split]] if split in held else [group for group in range(FOLDS) if group not in held.values()]
    return [group * size + member for group in groups for member in range(1, size + 1)]


def _task(patient: int, form: RowFormat, owner: np.ndarray, values: np.ndarray, points: Tensor, day: Tensor) -> Given:
    mine = np.flatnonzero(owner == patient)
    return Given(f"patient {patient}", form.tensors(values[mine]), points[mine], None, day[mine])
