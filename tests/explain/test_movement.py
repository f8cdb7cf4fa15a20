"""What adaptation moved: parameters, features, and what is left without the head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch

import cases
from fewsight.errors import ExplanationError
from fewsight.explain.adaptation import thetas
from fewsight.explain.movement import SCORES, features, head_removed, movement, pooled, representation
from fewsight.explain.similarity import linear_cka
from fewsight.learners import create
from fewsight.networks import MLP
from fewsight.task import Task

BODY = ("network.layers.0", "network.layers.2")


def pool(size: int = 60) -> torch.Tensor:
    return torch.randn(size, tiny.FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


def test_relative_norms_by_hand() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    found = movement(case)
    start, *_, end = thetas(case)
    for layer, value in zip(found.players, found.values, strict=True):
        moved = sum((end[f"{layer}.{kind}"] - start[f"{layer}.{kind}"]).square().sum() for kind in ("weight", "bias"))
        size = sum(start[f"{layer}.{kind}"].square().sum() for kind in ("weight", "bias"))
        assert value == pytest.approx(float((moved / size).sqrt()), abs=1e-13)
    assert (found.values > 0.001).all()


def test_anil_moves_its_head_alone_and_its_features_stay() -> None:
    case = tiny.case(tiny.learner("anil"), tiny.support())
    moved = dict(zip(movement(case).players, movement(case).values, strict=True))
    assert [moved[layer] for layer in BODY] == [0, 0]
    assert moved["head"] > 0.01
    alike = representation(case, pool())
    assert alike.players == (*BODY, SCORES)
    np.testing.assert_allclose(alike.values[:2], 1, atol=1e-12)
    assert alike.values[2] < 1 - 1e-6


def test_a_head_that_starts_at_zero_has_no_relative_size() -> None:
    found = movement(tiny.case(create("maml", MLP([tiny.FEATURES, 5], "tanh")).double(), tiny.support()))
    assert np.isnan(found.values[-1])
    assert "head starts at 0" in found.notes[-1]


def test_features_are_those_of_the_network() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    end = thetas(case)[-1]
    found = features(case, end, pool())
    first = pool() @ end["network.layers.0.weight"].T + end["network.layers.0.bias"]
    np.testing.assert_allclose(found[BODY[0]], first.numpy(), atol=1e-12)
    scores = torch.from_numpy(found[BODY[1]]) @ end["head.weight"].T + end["head.bias"]
    np.testing.assert_allclose(found[SCORES], scores.numpy(), atol=1e-12)
    with torch.no_grad():
        np.testing.assert_allclose(found[SCORES], case.model(pool()).numpy(), atol=1e-12)
    assert not any(module._forward_hooks for module in case.learner.modules())


def test_similarity_by_hand_and_by_canonical_correlation() -> None:
    case = tiny.case(tiny.learner(rate=1.0), tiny.support())
    before, after = (features(case, thetas(case)[t], pool()) for t in (0, -1))
    found = representation(case, pool())
    np.testing.assert_allclose(found.values, [linear_cka(before[name], after[name]) for name in found.players])
    assert (found.values[:2] < 0.999).any()
    # An invertible map of the features changes nothing for canonical correlations: the first layer is linear.
    assert representation(case, pool(), measure="cca").values[0] == pytest.approx(1, abs=1e-9)
    with pytest.raises(ExplanationError, match="unknown measure"):
        representation(case, measure="rv")


def test_few_inputs_are_said() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    assert pooled(case).shape == (7, tiny.FEATURES)
    found = representation(case)
    assert "Only 7 inputs" in found.notes[0]
    assert np.isnan(representation(case, measure="cca").values).any()


@pytest.mark.parametrize("kind", list(cases.INPUTS))
def test_every_kind_of_input(kind: str) -> None:
    given = cases.Case("maml", kind, "classification")
    task = given.task()
    case = tiny.case(given.learner(), task.support, cases.INPUTS[kind][1](1, torch.Generator().manual_seed(9)))
    found = representation(case)
    assert found.players[-1] == SCORES
    assert len(found.players) > 1
    assert (found.values <= 1 + 1e-9).all()
    assert movement(case).values.shape[0] > 1


def test_without_the_head_the_nearest_class_mean_still_knows() -> None:
    """Clouds far apart: every layer of a network that keeps them apart does as well as the whole."""
    loose = tiny.support(3, 5)
    centers = loose.x.unflatten(0, (3, 5)).mean(1).repeat_interleave(5, 0)
    support = replace(loose, x=centers + 0.1 * (loose.x - centers))
    x = support.x + 0.01 * pool(15)
    task = Task(support, x, support.y)
    case = tiny.case(create("anil", MLP([tiny.FEATURES, 8, 5], "tanh")).double(), support)
    found = head_removed(case, task)
    assert found.values.shape == (2, 2)
    assert found.players[:2] == ("network.layers.0, before", "network.layers.0, after")
    np.testing.assert_array_equal(found.values[:, 0], found.values[:, 1])  # ANIL reuses its features
    assert (found.values > 0.8).all()
    with torch.no_grad():
        assert found.value == pytest.approx(float((case.model(x).argmax(-1) == support.y).double().mean()))
    assert found.baseline == pytest.approx(1 / 3)
    regression = tiny.case(tiny.learner(outputs=1, rate=0.05), tiny.values_support())
    with pytest.raises(ExplanationError, match="needs classes"):
        head_removed(regression, task)
