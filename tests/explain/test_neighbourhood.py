"""Surrogates around the query, on every kind of input."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
from formulas import formula_case

import cases
from fewsight import tree as trees
from fewsight.explain.rule_list import rule_list
from fewsight.explain.shallow_tree import tree
from fewsight.explain.sparse_linear import sparse_linear

LOCAL = (sparse_linear, tree, rule_list)


def test_a_constant_prediction_has_no_r2() -> None:
    case = formula_case(lambda x: x[:, 0] * 0 + 2)
    for kind in LOCAL:
        found = kind(case)
        assert np.isnan(found.fidelity[0].value)
        assert not found.values.any()


@pytest.mark.parametrize("kind", ["images", "rows", "tokens", "graphs"])
def test_every_kind_of_input(kind: str) -> None:
    made = cases.Case("protonet", kind, "classification")
    task = made.task(shots=(2, 2))
    case = tiny.case(made.learner(), task.support, trees.take(task.query, slice(0, 1)))
    for surrogate_of in LOCAL:
        found = surrogate_of(case)
        assert found.values.shape == (len(found.players),)
        assert np.isfinite(found.values).all()
        assert found.fidelity[0].value > 0
