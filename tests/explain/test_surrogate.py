"""Surrogates: recovered where the truth is simple, and never judged on what they were fitted to."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor

import cases
from fewsight import tree as trees
from fewsight.errors import ExplanationError
from fewsight.explain import surrogate
from fewsight.explain.case import Case
from fewsight.explain.kernel import kernel
from fewsight.explain.surrogate import held_out, neighbourhood, sparse_linear, subset_surrogate, tree
from fewsight.learner import Learner
from fewsight.learners import create
from fewsight.networks import MLP
from fewsight.task import Support


def anil(steps: int) -> Learner:
    learner = create("anil", MLP([tiny.FEATURES, 5], "tanh"), inner_steps=steps, inner_lr=2.0).double()
    for parameter in learner.parameters():
        parameter.data += 0.3 * torch.ones_like(parameter)
    return learner


class Formula(Learner):
    """A predictor whose scores are a formula of the query, whatever the support: (g(x), 0)."""

    def __init__(self, formula: object) -> None:
        super().__init__()
        self.formula = formula

    def solve(self, support: Support) -> trees.Tree:
        return {}

    def score(self, state: trees.Tree, query: Tensor) -> Tensor:
        first = self.formula(query)  # type: ignore[operator]
        return torch.stack([first, torch.zeros_like(first)], -1)


def formula_case(formula: object) -> Case:
    return tiny.case(Formula(formula), tiny.support(2, 4), target=("contrast", "a", "b"))


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
    assert found.provenance["subsets"] <= surrogate.SAMPLES + 2
    assert found.fidelity[0].value == pytest.approx(1, abs=1e-9)


def test_renormalised_subsets_need_a_target_that_survives() -> None:
    with pytest.raises(ExplanationError, match="not defined without a class"):
        subset_surrogate(tiny.case(anil(1), tiny.support()), drop=False)
    assert subset_surrogate(tiny.case(anil(1), tiny.support(), target="probability"), drop=False).values.shape == (6,)


def test_the_figure_is_not_that_of_the_fit() -> None:
    """As many features as rows fit noise perfectly; held out they explain nothing."""
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((60, 55)), generator.standard_normal(60)

    def fit(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> object:
        found = np.linalg.lstsq(x, y, rcond=None)[0]
        return lambda new: new @ found

    measure = held_out(x, y, fit)  # type: ignore[arg-type]
    assert measure.value < 0
    assert measure.passed is False


def test_a_linear_rule_is_recovered() -> None:
    case = formula_case(lambda x: 3 * x[:, 1] - 2 * x[:, 3] + 1)
    found = sparse_linear(case)
    around = neighbourhood(case)
    np.testing.assert_allclose(found.values / around.readable.std(0), [0, 3, 0, -2], atol=1e-8)
    assert found.fidelity[0].value == pytest.approx(1, abs=1e-8)
    assert found.players == tuple(f"input {i}" for i in range(4))
    assert len(np.flatnonzero(sparse_linear(case, most=1).values)) == 1


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


def test_the_callers_features() -> None:
    case = formula_case(lambda x: x.square().sum(-1))

    def radius(x: Tensor) -> np.ndarray:
        return x.square().sum(-1, keepdim=True).numpy()

    found = sparse_linear(case, radius, ["squared radius"])
    assert found.players == ("squared radius",)
    assert found.fidelity[0].value == pytest.approx(1, abs=1e-8)
    with pytest.raises(ExplanationError, match="one column for each of 2 names"):
        sparse_linear(case, radius, ["a", "b"])


def test_a_constant_prediction_has_no_r2() -> None:
    case = formula_case(lambda x: x[:, 0] * 0 + 2)
    for kind in (sparse_linear, tree):
        found = kind(case)
        assert np.isnan(found.fidelity[0].value)
        assert not found.values.any()


@pytest.mark.parametrize("kind", ["images", "rows", "tokens", "graphs"])
def test_every_kind_of_input(kind: str) -> None:
    made = cases.Case("protonet", kind, "classification")
    task = made.task(shots=(2, 2))
    case = tiny.case(made.learner(), task.support, trees.take(task.query, slice(0, 1)))
    for surrogate_of in (sparse_linear, tree):
        found = surrogate_of(case)
        assert found.values.shape == (len(found.players),)
        assert np.isfinite(found.values).all()
        assert found.fidelity[0].value > 0
