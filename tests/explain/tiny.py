"""Tiny learners and tasks in float64 on which the identities of explanations hold to rounding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fewsight.explain.case import Case
from fewsight.explain.target import parse
from fewsight.learner import Learner
from fewsight.learners import create
from fewsight.networks import MLP
from fewsight.task import Support

FEATURES = 4


def learner(
    name: str = "maml",
    *,
    activation: str = "tanh",
    seed: int = 0,
    outputs: int | None = None,
    steps: int = 3,
    rate: float = 0.3,
) -> Learner:
    """A registered learner on a small perceptron, all parameters drawn, so that no symmetry hides a mistake."""
    settings: dict[str, Any] = {"inner_steps": steps, "inner_lr": rate} if "maml" in name else {}
    made = create(name, MLP([FEATURES, 8, 5], activation), outputs, **settings).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim:
                parameter.copy_(0.6 * torch.randn(parameter.shape, dtype=torch.float64, generator=generator))
    return made


def support(ways: int = 3, shots: int = 2, *, seed: int = 0) -> Support:
    """Classes as separate clouds; labels are letters."""
    generator = torch.Generator().manual_seed(100 + seed)
    centers = torch.randn(ways, 1, FEATURES, dtype=torch.float64, generator=generator)
    spread = torch.randn(ways, shots, FEATURES, dtype=torch.float64, generator=generator)
    x = (centers + 0.5 * spread).reshape(ways * shots, FEATURES)
    return Support.of(x, [letter for letter in "abcdefgh"[:ways] for _ in range(shots)])


def values_support(size: int = 6, *, seed: int = 0) -> Support:
    """A regression task with one output."""
    generator = torch.Generator().manual_seed(200 + seed)
    x = torch.randn(size, FEATURES, dtype=torch.float64, generator=generator)
    return Support.of(x, x.sum(1).sin())


def query(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(300 + seed)
    return torch.randn(1, FEATURES, dtype=torch.float64, generator=generator)


def case(made: Learner, given: Support, asked: Tensor | None = None, target: Any = None, seed: int = 0) -> Case:
    asked = query() if asked is None else asked
    with torch.no_grad():
        aim = parse(target, given, made(given, asked)[0])
    return Case(made, given, asked, aim, tuple(f"support {i}" for i in range(given.size)), seed)


class Quadratic(nn.Module):
    """Features x and x^2 without parameters to learn: a network whose derivatives are known by hand."""

    out_features = 2 * FEATURES

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, x.square()], -1)
