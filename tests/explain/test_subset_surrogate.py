"""A sum over examples is recovered where the truth is one."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.kernel import kernel
from fewsight.explain.subset_surrogate import SAMPLES, subset_surrogate
from fewsight.learner import Learner
from fewsight.learners import create
from fewsight.networks import MLP


def anil(steps: int) -> Learner:
    learner = create("anil", MLP([tiny.FEATURES, 5], "tanh"), inner_steps=steps, inner_lr=2.0).double()
    for parameter in learner.parameters():
        parameter.data += 0.3 * torch.ones_like(parameter)
    return learner


def test_one_step_of_a_head_is_a_sum_over_examples() -> None:
    """After one step the contrast is linear in the weights: the surrogate is the truth, and its R2 is 1."""
    case = tiny.case(anil(1), tiny.support(3, 2), target="contrast")
    found = subset_surrogate(case)
    np.testing.assert_allclose(found.values, kernel(case).values, atol=1e-9)
    assert found.fidelity[0].value == pytest.approx(1, abs=1e-9)
    assert found.trusted


def test_many_steps_are_less_of_a_sum() -> None:
    r2 = []
    for steps in (1, 20):
        case = tiny.case(anil(steps), tiny.support(3, 2), target="contrast")
        r2.append(subset_surrogate(case).fidelity[0].value)
    assert r2[1] < r2[0] - 1e-3


def test_coefficients_are_weighted_least_squares() -> None:
    from sklearn.linear_model import LinearRegression

    from fewsight.explain import coalitions, game

    case = tiny.case(tiny.learner("maml"), tiny.support(3, 2))
    masks = game.coalitions(6)
    sizes = masks.sum(1)
    weight = 1 / np.bincount(sizes)[sizes]
    expected = LinearRegression().fit(masks, coalitions.values(case, masks), weight)
    found = subset_surrogate(case)
    np.testing.assert_allclose(found.values, expected.coef_, atol=1e-9)
    assert found.provenance["intercept"] == pytest.approx(expected.intercept_, abs=1e-9)


def test_more_than_twelve_examples_are_sampled() -> None:
    case = tiny.case(anil(1), tiny.support(3, 5), target="contrast")
    found = subset_surrogate(case)
    np.testing.assert_allclose(found.values, kernel(case).values, atol=1e-8)
    assert found.provenance["subsets"] <= SAMPLES + 2
    assert found.fidelity[0].value == pytest.approx(1, abs=1e-9)


def test_renormalised_subsets_need_a_target_that_survives() -> None:
    with pytest.raises(ExplanationError, match="not defined without a class"):
        subset_surrogate(tiny.case(anil(1), tiny.support()), drop=False)
    assert subset_surrogate(tiny.case(anil(1), tiny.support(), target="probability"), drop=False).values.shape == (6,)
