"""The derivative of a prediction in the weights of the support examples."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor

from fewsight import tree
from fewsight.explain.case import Case
from fewsight.explain.influence import influence


def central_differences(case: Case, drop: bool) -> np.ndarray:
    """dF/dv by four-point central differences."""
    step = 1e-3
    found = []
    with torch.no_grad():
        for i in range(case.support.size):
            unit = torch.zeros_like(case.support.weight)
            unit[i] = step
            at = {k: case.value(case.support.weight + k * unit, drop=drop).item() for k in (-2, -1, 1, 2)}
            found.append((8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step))
    return np.array(found)


@pytest.mark.parametrize("name", ["maml", "fomaml", "protonet", "matching"])
@pytest.mark.parametrize("drop", [True, False])
def test_central_differences(name: str, drop: bool) -> None:
    """To 1e-9. Trap 9: also for first-order MAML, of which only the training is approximate."""
    case = tiny.case(tiny.learner(name), tiny.support())
    found = influence(case, drop=drop).values
    np.testing.assert_allclose(found, central_differences(case, drop), atol=1e-9)
    assert np.abs(found).max() > 1e-3


def test_central_differences_of_regression() -> None:
    for name in ("maml", "matching"):
        case = tiny.case(tiny.learner(name, outputs=1, rate=0.05), tiny.values_support())
        np.testing.assert_allclose(influence(case).values, central_differences(case, True), atol=1e-9)


def test_renormalised_weights_have_no_influence_together() -> None:
    """Under "renormalise" scaling all weights of a set changes nothing, so the derivatives sum to 0 (Euler)."""
    case = tiny.case(tiny.learner("maml"), tiny.support())
    values = influence(case, drop=False).values
    assert abs(values.sum()) < 1e-12
    assert np.abs(values).max() > 1e-3


def test_duplicates_have_equal_influence() -> None:
    support = tiny.support()
    twice = support.take(torch.tensor([0, 1, 2, 3, 4, 5, 2]))
    values = influence(tiny.case(tiny.learner(), twice)).values
    assert values[2] == pytest.approx(values[6], abs=1e-13)


def test_permuting_the_support_permutes_the_values() -> None:
    support, order = tiny.support(), torch.tensor([3, 0, 5, 1, 4, 2])
    straight = influence(tiny.case(tiny.learner(), support)).values
    permuted = influence(tiny.case(tiny.learner(), support.take(order))).values
    np.testing.assert_allclose(permuted, straight[order.numpy()], atol=1e-12)


def test_an_absent_example_has_none() -> None:
    support = tiny.support()
    weight = torch.tensor([1.0, 1, 1, 0, 1, 1], dtype=torch.float64)
    assert influence(tiny.case(tiny.learner(), support.reweighted(weight))).values[3] == 0


def test_the_learner_and_its_inputs_stay_as_they_are() -> None:
    learner, support = tiny.learner(), tiny.support()
    learner.train()
    before: list[Tensor] = [leaf.clone() for leaf in (*learner.state_dict().values(), *tree.leaves(support))]
    influence(tiny.case(learner, support))
    after = [*learner.state_dict().values(), *tree.leaves(support)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(module.training for module in learner.modules())
    assert all(parameter.grad is None for parameter in learner.parameters())
