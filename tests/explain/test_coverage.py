"""The table of explanations by learner in the docs is that of the code, as far as it can be told in seconds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from fewsight.explain import KINDS
from fewsight.learners import LEARNERS

ROOT = Path(__file__).parents[2]
QUICK = ("attention", "prototypes", "kernel_votes", "kernel", "steps", "step_sizes", "gates", "film", "latent_codes")
"""Kinds that take next to nothing, and are where learners differ; of the others only `why_not` is asked."""


@pytest.fixture(scope="module")
def written() -> dict[str, dict[str, str]]:
    """What the docs say, by kind and learner, with reasons in full."""
    page = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    reasons = dict(line.split(". ", 1) for line in page.splitlines() if line[:1].isdigit())
    (_, *learners), _, *cells = rows
    return {
        kind.strip("`"): {name: reasons.get(cell, cell) for name, cell in zip(learners, row, strict=True)}
        for kind, *row in cells
    }


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("table", ROOT / "benchmarks" / "explanations_by_learner.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_kind_has_a_row_and_every_learner_a_column(written: dict[str, dict[str, str]]) -> None:
    assert list(written) == list(KINDS)
    assert {tuple(row) for row in written.values()} == {tuple(LEARNERS)}


@pytest.mark.parametrize("learner", LEARNERS)
def test_cells_are_what_happens(written: dict[str, dict[str, str]], script: ModuleType, learner: str) -> None:
    case = script.case(learner)
    for kind, each in KINDS.items():
        said = written[kind][learner]
        if kind in QUICK or each.why_not(case):
            assert said == script.outcome(each, case), kind
        else:  # what cannot be made for another reason shows when the table is made
            assert said == ("exact" if each.exact else "approx.") or len(said) > len("approx."), kind
