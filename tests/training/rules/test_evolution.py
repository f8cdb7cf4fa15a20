"""Persistent evolution strategies have no bias where truncated back-propagation has one."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fewsight.inner import LearnedOptimizer, MomentumLSTM, Parameters
from fewsight.inner.families import quadratics
from fewsight.inner.problems import Problems, reached, trajectory
from fewsight.training.rules.evolution import persistent
from fewsight.training.rules.training import train_optimizer
from fewsight.training.rules.truncated import Estimator, truncated

CURVATURES = torch.tensor([1.0, 0.02], dtype=torch.float64)


class Momentum(LearnedOptimizer):
    """Heavy ball, learned rate and damping: small enough to know all about, and with memory."""

    def __init__(self) -> None:
        super().__init__()
        self.logarithm = nn.Parameter(torch.tensor([-0.1, -0.7], dtype=torch.float64))

    def init(self, parameters: Parameters) -> Any:
        return {name: torch.zeros_like(value) for name, value in parameters.items()}

    def update(self, gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        rate, keep = self.logarithm.exp()
        state = {name: keep * state[name] + g for name, g in gradients.items()}
        return {name: value - rate * state[name] for name, value in parameters.items()}, state


def problems(batch: int) -> Problems:
    """The same badly conditioned bowl `batch` times: near its bottom in the steep direction, far in the flat one."""

    def losses(parameters: Parameters, step: int | None = None) -> Tensor:
        return (CURVATURES * parameters["theta"].square()).sum(-1)

    start = torch.tensor([1.0, 5.0], dtype=torch.float64).expand(batch, 2).clone()
    return Problems({"theta": start}, losses)


def gradients(estimator: Estimator, batch: int, unroll: int, seed: int = 0) -> Tensor:
    """Summed over the stretches of one inner problem at fixed weights, `(2,)`."""
    rule, total = Momentum(), torch.zeros(2, dtype=torch.float64)
    for _ in estimator(rule, problems(batch), 12, unroll, torch.Generator().manual_seed(seed)):
        assert rule.logarithm.grad is not None
        total += rule.logarithm.grad
    return total


@pytest.fixture(scope="module")
def truth() -> Tensor:
    """Central differences of the objective over all 12 steps, `(2,)`."""
    case, rule = problems(1), Momentum()
    counts = torch.arange(1, 13) / 12

    def total(change: Tensor) -> Tensor:
        moved = copy.deepcopy(rule)
        with torch.no_grad():
            moved.logarithm += change
            losses = torch.cat([case.losses(step.after) for step in trajectory(moved, case, 12)])
        return (counts * losses.log()).sum()

    shifts = 1e-6 * torch.eye(2, dtype=torch.float64)
    return torch.stack([(total(shift) - total(-shift)) / 2e-6 for shift in shifts])


def test_persistent_evolution_has_no_bias_and_truncation_has(truth: Tensor) -> None:
    found = torch.stack([gradients(persistent(1e-4), 400, 2, seed) for seed in range(20)])
    half = 3.9 * found.std(0) / len(found) ** 0.5  # 99.9 % by Student's t
    assert (found.mean(0) - truth).abs().le(half).all()
    truncation = gradients(truncated, 1, 2)
    assert (truncation - truth).abs().gt(3 * half).all()
    # Back-propagation through all steps is exact, unless the gradients that the rule is fed are taken as constants.
    torch.testing.assert_close(gradients(truncated, 1, 12), truth, rtol=1e-6, atol=1e-6)
    assert (gradients(partial(truncated, first_order=True), 1, 12) - truth).abs().max() > half.max()


def test_without_truncation_it_is_plain_evolution_strategies(truth: Tensor) -> None:
    torch.testing.assert_close(gradients(persistent(1e-4), 20_000, 12), truth, rtol=0.05, atol=0.05)


def test_it_trains() -> None:
    rule, case = Momentum(), problems(1)
    with torch.no_grad():
        rule.logarithm.fill_(-2.0)
    before = reached(rule, case, 12)
    train_optimizer(rule, lambda _: problems(16), episodes=60, steps=12, unroll=3, lr=0.05, estimator=persistent(0.01))
    assert reached(rule, case, 12) < 0.3 * before


def test_a_network_has_a_gradient_for_every_weight() -> None:
    torch.manual_seed(0)
    rule = MomentumLSTM(hidden=4)
    estimate = persistent(0.01)(rule, quadratics(3, 8)(torch.Generator().manual_seed(0)), 4, 2, torch.Generator())
    losses = next(iter(estimate))
    assert losses.shape == (8,)
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in rule.parameters())
