"""How is an optimizer learned? By minimising the losses it reaches on a family of problems, through its own steps.

Andrychowicz et al., "Learning to learn by gradient descent by gradient descent", 2016, equation 3: the meta-loss
is the sum of the losses along the trajectory; it is differentiated by truncated back-propagation through time, and the
gradients the optimizer is fed are taken as constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from fewsight.inner import InnerOptimizer, LearnedOptimizer, Parameters


@dataclass(frozen=True)
class Problems:
    """A batch of B problems of one shape, solved side by side.

    Attributes:
        start: initial parameters, each `(B, ...)`.
        losses: from parameters to the loss of each problem, `(B,)`; problem b depends on parameters `[b]` only.
    """

    start: Parameters
    losses: Callable[[Parameters], Tensor]


Family = Callable[[torch.Generator], Problems]
"""Draws a batch of problems."""


def quadratics(size: int = 10, batch: int = 64) -> Family:
    """|W theta - y|^2 with standard normal W `(size, size)`, y and initial theta: the paper's section 3.1."""

    def draw(generator: torch.Generator) -> Problems:
        w = torch.randn(batch, size, size, generator=generator)
        y = torch.randn(batch, size, generator=generator)
        start = torch.randn(batch, size, generator=generator)
        return Problems({"theta": start}, lambda p: (torch.einsum("bij,bj->bi", w, p["theta"]) - y).square().sum(-1))

    return draw


def trajectory(
    optimizer: InnerOptimizer | LearnedOptimizer, problems: Problems, steps: int, *, unroll: int | None = None
) -> Iterator[Tensor]:
    """The losses `(B,)` after each of `steps` steps; every `unroll` steps the history is cut."""
    theta, state = problems.start, optimizer.init(problems.start)
    for step in range(steps):
        at = {name: value.detach().requires_grad_() for name, value in theta.items()}
        with torch.enable_grad():
            found = torch.autograd.grad(problems.losses(at).sum(), list(at.values()))
        theta, state = optimizer.update(dict(zip(at, found, strict=True)), state, theta)
        yield problems.losses(theta)
        if unroll and (step + 1) % unroll == 0:
            theta, state = pytree.tree_map(lambda v: v.detach() if isinstance(v, Tensor) else v, (theta, state))


def train_optimizer(
    optimizer: LearnedOptimizer,
    family: Family,
    *,
    episodes: int,
    steps: int = 100,
    unroll: int = 20,
    lr: float = 1e-3,
    seed: int = 0,
    on_episode: Callable[[int, float], None] | None = None,
) -> None:
    """Train `optimizer` in place on `episodes` batches of problems, each followed for `steps` steps.

    Args:
        unroll: steps that one gradient sees (truncated back-propagation through time).
        lr: of Adam, which trains the optimizer; it falls to 0 by a cosine.
        on_episode: called after each batch with its number (from 1) and its mean last loss.
    """
    adam = torch.optim.Adam(optimizer.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, episodes)
    generator = torch.Generator().manual_seed(seed)
    for episode in range(episodes):
        problems, part = family(generator), []
        scale = problems.losses(problems.start).detach()  # each problem counts alike, however large its loss
        for step, losses in enumerate(trajectory(optimizer, problems, steps, unroll=unroll)):
            part.append((losses / scale).mean())
            if (step + 1) % unroll == 0 or step + 1 == steps:
                adam.zero_grad()
                torch.stack(part).sum().backward()
                torch.nn.utils.clip_grad_norm_(optimizer.parameters(), 1.0)
                adam.step()
                part = []
        schedule.step()
        if on_episode:
            on_episode(episode + 1, float(losses.detach().mean()))
