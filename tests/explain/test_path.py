"""The path from the un-adapted to the adapted prediction."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from fewsight.explain import game
from fewsight.explain.path import path
from fewsight.explain.statistics import rank_correlation
from fewsight.explain.subsets import table


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
def test_it_adds_up_at_sixteen_nodes(name: str) -> None:
    """To rounding on a smooth network, without any refinement."""
    case = tiny.case(tiny.learner(name), tiny.support())
    found = path(case, panels=1)
    assert found.baseline is not None
    assert abs(found.values.sum() - (found.value - found.baseline)) < 1e-14
    silent = case.support.reweighted(torch.zeros(6, dtype=torch.float64), drop=True)
    with torch.no_grad():
        unadapted = case.target(case.learner(silent, case.query)[0]).item()
        adapted = case.target(case.learner(case.support, case.query)[0]).item()
    assert (found.baseline, found.value) == (pytest.approx(unadapted, abs=1e-12), pytest.approx(adapted, abs=1e-12))


def test_the_un_adapted_prediction_is_that_of_the_trace() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    with torch.no_grad():
        start = case.learner.trace(case.support).models()[0](case.query)[0]
    assert path(case).baseline == pytest.approx(case.target(start).item(), abs=1e-12)


def test_regression_adds_up() -> None:
    for name in ("maml", "matching"):
        found = path(tiny.case(tiny.learner(name, outputs=1, rate=0.05), tiny.values_support()), panels=1)
        assert abs(found.values.sum() - (found.value - (found.baseline or 0))) < 1e-10


def test_relu_needs_more_nodes_and_gets_them() -> None:
    case = tiny.case(tiny.learner(activation="relu", outputs=3, steps=1, rate=1.0), tiny.support())
    coarse, fine = path(case, panels=1), path(case, panels=64, bound=1e-5)
    assert coarse.residual is not None
    assert fine.residual is not None
    assert coarse.residual > 1e-3 > 1e-5 >= fine.residual
    assert fine.provenance["gradients"] > coarse.provenance["gradients"]


def test_jumps_that_no_derivative_sees_are_said() -> None:
    """From the second inner step on, a ReLU that switches makes the adapted prediction jump; that part is missing."""
    found = path(tiny.case(tiny.learner(activation="relu", steps=3), tiny.support()), panels=32)
    assert not found.complete
    assert "do not add up" in str(found).splitlines()[0]
    assert "jumps" in found.notes[0]


def test_it_ranks_like_exact_shapley_values() -> None:
    correlations = []
    for seed in range(6):
        case = tiny.case(tiny.learner(seed=seed), tiny.support(4, 2, seed=seed), tiny.query(seed))
        correlations.append(rank_correlation(path(case).values, game.shapley(table(case))))
    assert np.mean(correlations) > 0.9


def test_a_linear_learner_has_equal_path_and_shapley_values() -> None:
    """Where F is additive in the weights, every sharing rule agrees."""
    case = tiny.case(tiny.learner("matching"), tiny.support(), target="probability")
    np.testing.assert_allclose(path(case).values, game.shapley(table(case)), atol=1e-12)


def test_symmetry() -> None:
    support, order = tiny.support(), torch.tensor([3, 0, 5, 1, 4, 2])
    straight = path(tiny.case(tiny.learner(), support)).values
    permuted = path(tiny.case(tiny.learner(), support.take(order))).values
    np.testing.assert_allclose(permuted, straight[order.numpy()], atol=1e-11)
    twice = path(tiny.case(tiny.learner(), support.take(torch.tensor([0, 1, 2, 3, 4, 5, 0])))).values
    assert twice[0] == pytest.approx(twice[6], abs=1e-12)
