"""A short line is recovered where the truth is one."""

from __future__ import annotations

import numpy as np
import pytest
from formulas import formula_case
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.explain.neighbourhood import neighbourhood
from fewsight.explain.sparse_linear import sparse_linear


def test_a_linear_rule_is_recovered() -> None:
    case = formula_case(lambda x: 3 * x[:, 1] - 2 * x[:, 3] + 1)
    found = sparse_linear(case)
    around = neighbourhood(case)
    np.testing.assert_allclose(found.values / around.readable.std(0), [0, 3, 0, -2], atol=1e-8)
    assert found.fidelity[0].value == pytest.approx(1, abs=1e-8)
    assert found.players == tuple(f"input {i}" for i in range(4))
    assert len(np.flatnonzero(sparse_linear(case, most=1).values)) == 1


def test_the_callers_features() -> None:
    case = formula_case(lambda x: x.square().sum(-1))

    def radius(x: Tensor) -> np.ndarray:
        return x.square().sum(-1, keepdim=True).numpy()

    found = sparse_linear(case, radius, ["squared radius"])
    assert found.players == ("squared radius",)
    assert found.fidelity[0].value == pytest.approx(1, abs=1e-8)
    with pytest.raises(ExplanationError, match="one column for each of 2 names"):
        sparse_linear(case, radius, ["a", "b"])
