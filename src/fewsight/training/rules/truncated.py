"""Which gradient makes an update rule better? That of the losses along its trajectories, by truncated back-propagation.

Andrychowicz et al., "Learning to learn by gradient descent by gradient descent", 2016, equation 3: what is minimised is
a weighted sum of the losses along the trajectory. The other estimate of its gradient is `evolution.persistent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from fewsight.inner import LearnedOptimizer
from fewsight.inner.problems import Problems, trajectory

Estimator = Callable[[LearnedOptimizer, Problems, int, int, torch.Generator], Iterator[Tensor]]
"""From rule, problems, steps and unroll: for each stretch of `unroll` steps it puts the gradient of the meta-loss into
`.grad` and gives the losses `(B,)` at its end."""
WORST = 10.0
"""Share of the first loss beyond which a problem has diverged and says nothing more."""


@dataclass(frozen=True)
class Objective:
    """sum_t (t / T) log(mean over problems of loss_t / loss_0): small late losses count beside large early ones.

    Attributes:
        problems, steps: of the trajectories, T steps long.
    """

    problems: Problems
    steps: int

    def share(self, losses: Tensor) -> Tensor:
        """loss_t / loss_0 of each problem, `(B,)`."""
        return (losses / self._first).clamp(max=WORST)

    def weight(self, step: int, shares: Tensor) -> Tensor:
        """What the mean share after `step` (from 0) counts, so that its gradient is that of its logarithm."""
        return (step + 1) / self.steps / shares.detach().mean()

    @cached_property
    def _first(self) -> Tensor:
        return self.problems.losses(self.problems.start).detach()


def truncated(
    rule: LearnedOptimizer,
    problems: Problems,
    steps: int,
    unroll: int,
    generator: torch.Generator,
    *,
    first_order: bool = False,
) -> Iterator[Tensor]:
    """Back-propagation through time, cut every `unroll` steps: exact within a stretch, blind to what comes after it.

    Args:
        first_order: take the gradients that the rule is fed as constants, as the paper does. On quadratics this says
            that longer steps are always better, and a rule that starts well is spoiled.
    """
    objective, part = Objective(problems, steps), []
    for step, (_, _, after) in enumerate(trajectory(rule, problems, steps, unroll=unroll, first_order=first_order)):
        losses = problems.losses(after, step + 1)
        shares = objective.share(losses)
        part.append(objective.weight(step, shares) * shares.mean())
        if (step + 1) % unroll == 0 or step + 1 == steps:
            rule.zero_grad()
            torch.stack(part).sum().backward()
            part = []
            yield losses.detach()
