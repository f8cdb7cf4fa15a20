"""What is German credit here? 1,000 loans of a bank, 20 facts each, repaid or not. What the loan was for is the task.

Statlog (Hofmann 1994), UCI repository; codes are written out as its description has them. Three purposes are for the
test; two with fewer than 13 loans of a class, and "other", are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from fewsight.domains.datadir import DataFile, fetch
from fewsight.domains.domain import GivenDomain
from fewsight.domains.given import Given, GivenTasks
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.rows.schema import Column, matrix
from fewsight.domains.rows.shared import baselines
from fewsight.errors import RecipeError, suggest

FILE = DataFile(
    "german_credit",
    "german.data",
    "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
    "sha256:b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",
)
SPLITS = {
    "train": ("radio, television", "new car", "repairs"),
    "val": ("education",),
    "test": ("furniture", "used car", "business"),
}
CLASSES = ("repaid", "not repaid")
PURPOSES = {
    "A40": "new car", "A41": "used car", "A42": "furniture", "A43": "radio, television", "A44": "appliances",
    "A45": "repairs", "A46": "education", "A48": "retraining", "A49": "business", "A410": "other",
}  # fmt: skip
MARITAL = {
    "A91": ("male", "divorced or separated"),
    "A92": ("female", "divorced, separated or married"),
    "A93": ("male", "single"),
    "A94": ("male", "married or widowed"),
    "A95": ("female", "single"),
}
_FACTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("checking account", ("below 0 DM", "0 to 200 DM", "over 200 DM or salary", "none")),
    ("months", ()),
    ("history", ("none taken", "all paid here", "paid till now", "delays", "critical")),
    ("purpose", ()),
    ("amount", ()),
    ("savings", ("below 100 DM", "100 to 500 DM", "500 to 1000 DM", "over 1000 DM", "unknown or none")),
    ("employed for", ("unemployed", "below 1 year", "1 to 4 years", "4 to 7 years", "over 7 years")),
    ("rate in % of income", ()),
    ("sex and status", ()),
    ("others liable", ("none", "co-applicant", "guarantor")),
    ("years at residence", ()),
    ("property", ("real estate", "savings agreement", "car or other", "unknown or none")),
    ("age", ()),
    ("other plans", ("bank", "stores", "none")),
    ("housing", ("rent", "own", "free")),
    ("credits here", ()),
    ("job", ("unskilled non-resident", "unskilled", "skilled", "highly qualified")),
    ("dependents", ()),
    ("telephone", ("none", "registered")),
    ("foreign worker", ("yes", "no")),
)  # fmt: skip
"""Facts in the order of the file; levels in the order of their codes, A11, A12...; history begins with A30."""


def read_loans(data: Path | None = None) -> list[dict[str, str]]:
    """The loans as rows for people, with "purpose", "sex", "risk" and all else: a table to work with, or to audit.

    Raises:
        DataError: the file is corrupt, or absent and not to be had.
    """
    return [_row(line.split()) for line in fetch([FILE], data)[0].read_text("ascii").splitlines()]


def open_german_credit(data: Path | None = None, *, without: Sequence[str] = ()) -> GivenDomain:
    """Loans by purpose; `without` are columns the models do not see ("sex", "age").

    Raises:
        RecipeError: no such column.
        DataError: see `read_loans`.
    """
    rows = read_loans(data)
    for name in without:
        if name not in rows[0]:
            raise RecipeError(f"german_credit has no column {name!r}{suggest(name, rows[0])}")
    columns = tuple(
        Column(name, "category", _levels(name)) if _levels(name) else Column(name)
        for name in rows[0]
        if name not in ("purpose", "risk", *without)
    )
    values, _ = matrix(rows, [f"{FILE.name}, line {place}" for place in range(1, len(rows) + 1)], columns)
    purpose = np.array([row["purpose"] for row in rows])
    risk = torch.tensor([CLASSES.index(row["risk"]) for row in rows])
    form = RowFormat(columns, code=5, classes=CLASSES).scaled(values[np.isin(purpose, SPLITS["train"])])
    tasks = {
        split: [
            Given(name, form.tensors(values[mine]), risk[mine], CLASSES) for name in of for mine in [purpose == name]
        ]
        for split, of in SPLITS.items()
    }
    return GivenDomain(
        "german_credit",
        form,
        tasks,
        metrics=("roc auc", "balanced accuracy"),
        baselines=baselines(),
        draw=partial(GivenTasks, balanced=True),
    )


def _levels(name: str) -> tuple[str, ...]:
    split = {"sex": ("female", "male"), "marital status": tuple(sorted({status for _, status in MARITAL.values()}))}
    return split.get(name) or dict(_FACTS).get(name, ())


def _row(codes: Sequence[str]) -> dict[str, str]:
    row: dict[str, str] = {}
    for (name, levels), code in zip(_FACTS, codes, strict=False):
        if name == "purpose":
            row[name] = PURPOSES[code]
        elif name == "sex and status":
            row["sex"], row["marital status"] = MARITAL[code]
        else:
            row[name] = levels[int(code[-1]) - (name != "history")] if levels else code
    return row | {"risk": CLASSES[int(codes[-1]) - 1]}
