"""Suspected mislabels: what the figures are, and that they find a planted one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
import torch.nn.functional as F

from fewsight.errors import ExplanationError
from fewsight.explain.mislabels import distance_from_class, left_out_loss, mislabels, own_loss, self_influence
from fewsight.learners import create
from fewsight.task import Support


@pytest.mark.parametrize("name", ["protonet", "ridge", "maml"])
def test_losses_are_those_of_models_adapted_with_and_without(name: str) -> None:
    case = tiny.case(tiny.learner(name), tiny.support(3, 2))
    support = case.support
    with torch.no_grad():
        own = F.cross_entropy(case.learner(support, support.x), support.y, reduction="none")
        without = []
        for i in range(6):
            model = case.learner.adapt(support.take(torch.arange(6) != i))
            without.append(F.cross_entropy(model(support.x[i : i + 1]), support.y[i : i + 1]).item())
    np.testing.assert_allclose(own_loss(case), own.numpy(), atol=1e-10)
    np.testing.assert_allclose(left_out_loss(case), without, atol=1e-10)
    np.testing.assert_allclose(self_influence(case), np.array(without) - own.numpy(), atol=1e-10)


def test_regression_losses() -> None:
    case = tiny.case(tiny.learner("ridge", outputs=1), tiny.values_support())
    support = case.support
    with torch.no_grad():
        alone = case.learner(support.take(torch.arange(6) != 2), support.x[2:3])
    assert left_out_loss(case)[2] == pytest.approx((alone - support.y[2]).square().item(), abs=1e-10)
    with pytest.raises(ExplanationError, match="no classes"):
        distance_from_class(case)


@pytest.mark.parametrize("name", ["protonet", "matching", "ridge", "maml"])
def test_a_planted_wrong_label_ranks_first(name: str) -> None:
    """Three tight clouds, embedded as they are; one label is wrong."""
    settings = {"inner_steps": 10, "inner_lr": 0.3} if name == "maml" else {}
    learner = (
        create(name, torch.nn.Identity(), features=tiny.FEATURES, **settings)
        if name == "maml"
        else create(name, torch.nn.Identity())
    )
    generator = torch.Generator().manual_seed(0)
    centers = 3 * torch.eye(3, tiny.FEATURES, dtype=torch.float64)
    x = centers.repeat_interleave(4, 0) + 0.3 * torch.randn(12, tiny.FEATURES, dtype=torch.float64, generator=generator)
    right = Support.of(x, list("aaaabbbbcccc"))
    for wrong in (0, 5, 11):
        y = right.y.clone()
        y[wrong] = (y[wrong] + 1) % 3
        case = tiny.case(learner.double(), replace(right, y=y), x[:1])
        for ranking in (mislabels(case).values, left_out_loss(case), own_loss(case), distance_from_class(case)):
            assert ranking.argmax() == wrong


def test_a_class_that_disappears_has_no_number() -> None:
    case = tiny.case(tiny.learner("protonet"), tiny.support(3, 2).take(torch.tensor([0, 1, 2, 3, 4])))
    found = mislabels(case)
    assert np.isnan(found.values).tolist() == [False] * 4 + [True]
    assert "class disappears" in found.notes[0]


def test_distances_without_an_embedding_are_those_of_the_numbers() -> None:
    case = tiny.case(tiny.learner("maml"), tiny.support(2, 3))
    x = case.support.x
    expected = [((x[i] - x[i // 3 * 3 : i // 3 * 3 + 3].mean(0)) ** 2).sum().item() for i in range(6)]
    np.testing.assert_allclose(distance_from_class(case), expected, atol=1e-12)
