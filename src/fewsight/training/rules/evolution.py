"""How is an optimizer learned without the bias of truncation? By persistent evolution strategies (PES).

Vicol, Metz & Sohl-Dickstein, "Unbiased Gradient Estimation in Unrolled Computation Graphs with Persistent Evolution
Strategies", 2021, algorithm 2 and equation 11, antithetic. Each problem is followed twice, under weights phi + eps and
phi - eps, with fresh noise eps in each stretch. The difference of their losses in a stretch owes to *all* noise since
the start, so it is multiplied by the sum xi of that noise: the correlations that truncation cuts are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewsight.inner import LearnedOptimizer, Parameters
from fewsight.inner.problems import Problems, each, slope
from fewsight.training.rules.truncated import Estimator, Objective


def persistent(sigma: float = 0.01) -> Estimator:
    """The estimator: mean over problems of xi (L+ - L-) / (2 sigma^2), unbiased for the smoothed meta-loss.

    Args:
        sigma: standard deviation of the noise on each weight of the rule.
    """

    @torch.no_grad()
    def estimate(
        rule: LearnedOptimizer, problems: Problems, steps: int, unroll: int, generator: torch.Generator
    ) -> Iterator[Tensor]:
        batch = len(next(iter(problems.start.values())))
        weights = dict(rule.named_parameters())
        objective = Objective(problems, steps)
        begun = (problems.start, each(rule.init)(problems.start))
        paths: list[Any] = [begun, begun]
        drift = {name: value.new_zeros(batch, *value.shape) for name, value in weights.items()}
        for first in range(0, steps, unroll):
            noise = {n: sigma * torch.randn(v.shape, generator=generator, dtype=v.dtype) for n, v in drift.items()}
            drift = {name: value + noise[name] for name, value in drift.items()}
            ends = range(first, min(first + unroll, steps))
            losses = []
            for side, sign in enumerate((1, -1)):
                disturbed = {name: value + sign * noise[name] for name, value in weights.items()}
                found, paths[side] = _follow(rule, disturbed, problems, paths[side], ends)
                losses.append(found)
            shares = [[objective.share(after) for after in side] for side in losses]
            effect = sum(
                objective.weight(step, torch.stack([plus, minus])) * (plus - minus)
                for step, plus, minus in zip(ends, *shares, strict=True)
            ) / (2 * sigma**2 * batch)
            for name, value in weights.items():
                value.grad = torch.einsum("b,b...->...", effect, drift[name])
            yield (losses[0][-1] + losses[1][-1]) / 2

    return estimate


def _follow(
    rule: LearnedOptimizer, weights: Parameters, problems: Problems, path: Any, steps: range
) -> tuple[list[Tensor], Any]:
    """Losses `(B,)` after each of `steps`, each problem under weights of its own `(B, ...)`, and where it ends."""
    module = _Update(rule)
    update = each(lambda own, *inputs: functional_call(module, {f"rule.{n}": v for n, v in own.items()}, inputs))
    theta, state = path
    losses = []
    for step in steps:
        theta, state = update(weights, slope(problems, theta, step), state, theta)
        losses.append(problems.losses(theta, step + 1))
    return losses, (theta, state)


class _Update(nn.Module):
    """The rule's `update` as a forward pass, which `functional_call` can run under other weights."""

    def __init__(self, rule: LearnedOptimizer) -> None:
        super().__init__()
        self.rule = rule

    def forward(self, gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        return self.rule.update(gradients, state, parameters)
