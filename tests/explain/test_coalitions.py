"""F on many support weightings: vectorised, one by one, and remembered."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from ticks import Ticks
from torch import Tensor, nn

from fewsight.explain import coalitions, game
from fewsight.explain.case import TRIALS, Cost
from fewsight.learner import Learner
from fewsight.task import Support
from fewsight.tree import Tree


class Counting(Learner):
    """Nearest mean; counts adaptations, and cannot be vectorised when told so."""

    def __init__(self, stubborn: bool = False) -> None:
        super().__init__()
        self.stubborn = stubborn
        self.adaptations = 0

    def solve(self, support: Support) -> Tree:
        self.adaptations += 1
        if self.stubborn and float(support.weight.sum()) < 0:
            raise AssertionError("weights are never negative")
        return support.class_share.mT @ support.x

    def score(self, state: Tree, query: Tree) -> Tensor:
        return -(query[:, None] - state).square().sum(-1)


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
@pytest.mark.parametrize("drop", [True, False])
def test_each_coalition_is_an_adaptation(name: str, drop: bool) -> None:
    """Vectorised or not, F of a mask is what the learner itself says under that mask."""
    case = tiny.case(tiny.learner(name), tiny.support(), target="probability")
    masks = game.coalitions(6)[5::7]
    found = coalitions.values(case, masks, drop=drop)
    for mask, value in zip(masks, found, strict=True):
        weighted = case.support.reweighted(torch.from_numpy(mask).double(), drop=drop)
        with torch.no_grad():
            assert case.target(case.learner(weighted, case.query)[0]).item() == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("drop", [True, False])
def test_masks_and_the_true_removal_of_examples_agree(drop: bool) -> None:
    """Under "renormalise" a mask equals handing over the smaller support set."""
    case = tiny.case(tiny.learner(), tiny.support(), target="probability")
    mask = np.array([True, False, True, True, False, True])
    smaller = case.support.take(torch.from_numpy(mask))
    with torch.no_grad():
        removed = case.target(case.learner(smaller, case.query)[0]).item()
    found = coalitions.values(case, mask[None], drop=drop)[0]
    assert bool(abs(found - removed) < 1e-12) is not drop


def test_a_learner_that_cannot_be_vectorised_is_looped_and_the_reason_kept() -> None:
    stubborn = tiny.case(Counting(stubborn=True), tiny.support())
    free = tiny.case(Counting(), tiny.support())
    masks = game.coalitions(6)
    np.testing.assert_allclose(coalitions.values(stubborn, masks), coalitions.values(free, masks), atol=1e-12)
    assert "cannot be vectorised" in stubborn.costs["scores"].manner
    assert "vectorised, up to" in free.costs["scores"].manner


def test_known_coalitions_are_not_adapted_to_again() -> None:
    learner = Counting(stubborn=True)
    case = tiny.case(learner, tiny.support())
    coalitions.values(case, game.coalitions(6)[:8])
    before = learner.adaptations
    again = coalitions.values(
        case.toward(tiny.case(learner, case.support, target="probability").target), game.coalitions(6)[:8]
    )
    assert learner.adaptations == before + 1  # the one that reading the target took
    assert ((again > 0) & (again < 1)).all()
    assert len(case.known) == 8


def test_memory_bounds_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """With memory for one adaptation it goes one at a time, with the same result."""
    masks = game.coalitions(6)
    whole = coalitions.values(tiny.case(tiny.learner(), tiny.support()), masks)
    monkeypatch.setattr(coalitions, "MEMORY", 1)
    case = tiny.case(tiny.learner(), tiny.support())
    np.testing.assert_allclose(coalitions.values(case, masks), whole, atol=1e-12)
    assert "one at a time" in case.costs["scores"].manner
    sizes: list[int] = []
    vectorised = coalitions._vectorised

    def spy(case: Any, row: Any, chunk: Tensor) -> Tensor:
        sizes.append(len(chunk))
        return vectorised(case, row, chunk)

    monkeypatch.setattr(coalitions, "_vectorised", spy)
    monkeypatch.setattr(coalitions, "MEMORY", 512 * 2**20)
    monkeypatch.setattr(coalitions, "WIDEST", 10)
    np.testing.assert_allclose(coalitions.values(tiny.case(tiny.learner(), tiny.support()), masks), whole, atol=1e-12)
    assert max(sizes) == 10


@pytest.mark.parametrize("checkpoint", [False, True])
def test_gradients_agree_with_those_of_plain_autograd(checkpoint: bool) -> None:
    learner = tiny.learner()
    plain = tiny.case(learner, tiny.support())
    weights = torch.rand(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = []
    for row in weights:
        row = row.clone().requires_grad_()
        expected.append(torch.autograd.grad(plain.value(row, drop=True), row)[0])
    learner.checkpoint_steps = checkpoint
    case = tiny.case(learner, tiny.support())
    np.testing.assert_allclose(coalitions.gradients(case, weights), torch.stack(expected).numpy(), atol=1e-12)
    assert ("cannot be vectorised" in case.costs["gradients"].manner) is checkpoint


def test_trap_9_dropout_is_frozen_across_coalitions() -> None:
    """A learner that draws at random even in evaluation meets the same draw under every weighting, however mapped."""

    class Noisy(Counting):
        def solve(self, support: Support) -> Tree:
            return super().solve(support) + torch.randn(3, tiny.FEATURES, dtype=torch.float64)

    given, target, masks = tiny.support(), ("margin", "a"), game.coalitions(6)
    looped, vectorised, other = (
        coalitions.values(tiny.case(Noisy(stubborn), given, seed=seed, target=target), masks)
        for stubborn, seed in ((True, 5), (False, 5), (False, 6))
    )
    np.testing.assert_allclose(looped, vectorised, atol=1e-12)
    assert np.abs(looped - other).max() > 0.1


def test_dropout_is_off_and_modes_come_back() -> None:
    """F is what the learner says in evaluation mode; the mode comes back, and no global generator moves."""
    learner = tiny.learner()
    learner.network.layers.append(nn.Dropout(0.5))
    case = tiny.case(learner.eval(), tiny.support())
    expected = coalitions.values(case, game.coalitions(6))
    learner.train()
    training = tiny.case(learner, tiny.support(), target=case.target)
    state = torch.random.get_rng_state()
    found = coalitions.values(training, game.coalitions(6))
    np.testing.assert_array_equal(found, expected)
    assert all(module.training for module in learner.modules())
    assert torch.equal(state, torch.random.get_rng_state())


def test_one_noisy_chunk_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only chunks that are slower again and again, than an adaptation beside them, send adaptations one at a time."""
    monkeypatch.setattr(coalitions, "WIDEST", 4)
    masks = game.coalitions(6)
    for slow, manner in ((1, "vectorised"), (TRIALS - 1, "vectorised"), (TRIALS, "one at a time (measured")):
        with monkeypatch.context() as patch:
            Ticks(patch, alone=1.0, together=chain([2.0], repeat(99.0, slow), repeat(1.0)))
            case = tiny.case(tiny.learner(), tiny.support())
            coalitions.values(case, masks)
            assert case.costs["scores"].manner.startswith(manner)
    # A machine that becomes slow as a whole slows both.
    with monkeypatch.context() as patch:
        Ticks(patch, alone=chain([1.0, 1.0], repeat(50.0)), together=chain([2.0], repeat(99.0)))
        case = tiny.case(tiny.learner(), tiny.support())
        coalitions.values(case, masks)
        assert case.costs["scores"].manner.startswith("vectorised")


def test_a_chunk_takes_little_time_however_many_rows_there_are() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    cost = Cost(size=1, alone=0.05, together=0.01, width=512, probed=True)
    assert coalitions._rows(case, cost) == coalitions.SECONDS / 0.01
    cost.alone = 1.0  # what takes long by itself must still be able to share its work
    assert coalitions._rows(case, cost) == 200
    cost.alone = cost.together = 1.0
    assert coalitions._rows(case, cost) == 2
    assert coalitions._rows(replace(case, repeatable=True), cost) == 512
