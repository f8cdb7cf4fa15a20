"""What the support set changed in the way the query is seen."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

import cases
from fewsight.explain.change import as_change, change
from fewsight.explain.query import integrated_gradients
from fewsight.learners import LEARNERS

VECTORS = [case for case in cases.CLASSIFICATION if case.input_kind == "vectors"]


@pytest.mark.parametrize("given", VECTORS, ids=str)
def test_every_learner_has_it_and_it_adds_up_to_the_change(given: cases.Case) -> None:
    task = given.task()
    found = change(tiny.case(given.learner(), task.support, task.query[:1], target="contrast"))
    assert found.values.shape == (tiny.FEATURES,)
    assert found.complete
    assert {case.learner_name for case in VECTORS} == set(LEARNERS)


def test_it_is_the_adapted_minus_the_un_adapted_attribution() -> None:
    case = tiny.case(tiny.learner(), tiny.support(), target="contrast")
    silent = case.support.reweighted(torch.zeros(6, dtype=torch.float64), drop=True)
    adapted, before = integrated_gradients(case), integrated_gradients(case.variant(support=silent))
    found = change(case)
    np.testing.assert_allclose(found.values, adapted.values - before.values, atol=1e-12)
    assert found.value == pytest.approx(adapted.value - before.value, abs=1e-12)
    assert np.abs(found.values).max() > 0.01


@pytest.mark.parametrize("name", ["maml", "maml++"])
def test_without_inner_steps_nothing_changed(name: str) -> None:
    case = tiny.case(tiny.learner(name, steps=0), tiny.support())
    found = change(case)
    assert (found.values == 0).all()
    assert (found.value, found.baseline) == (0.0, 0.0)
    assert found.complete


def test_regression_and_a_silent_support() -> None:
    case = tiny.case(tiny.learner(outputs=1, rate=0.05), tiny.values_support())
    assert change(case).complete
    silent = case.support.reweighted(torch.zeros(6, dtype=torch.float64), drop=True)
    assert (change(case.variant(support=silent)).values == 0).all()


def test_the_case_of_the_change_stays_one_under_another_target() -> None:
    case = as_change(tiny.case(tiny.learner(), tiny.support()))
    other = tiny.case(tiny.learner(), tiny.support(), target="probability").target
    assert isinstance(case.toward(other), type(case))
    assert case.toward(other).query_values(case.query).shape == (1,)
