"""A tree is recovered where a line says nothing."""

from __future__ import annotations

import pytest
import tiny
from formulas import formula_case
from torch import Tensor

from fewsight.explain.shallow_tree import tree
from fewsight.explain.sparse_linear import sparse_linear


def test_a_tree_is_recovered_where_a_line_fails() -> None:
    center = tiny.query()[0]
    spread = tiny.support(2, 4).x.std(0, correction=0)

    def band(x: Tensor) -> Tensor:
        return ((x[:, 2] - center[2]).abs() < 0.3 * spread[2]).double()

    case = formula_case(band)
    grown, line = tree(case), sparse_linear(case)
    assert grown.fidelity[0].value > 0.8
    assert line.fidelity[0].value < 0.2
    assert line.failures
    assert grown.values[2] > 0.95
    assert grown.values.sum() == pytest.approx(1)
    assert "input 2" in grown.provenance["tree"]
