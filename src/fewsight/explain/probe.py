"""How is an update rule watched? On one number, under gradients of one's choosing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fewsight.inner.problems import Rule

HISTORIES = 16
"""Random pasts over which a curve is averaged."""
WARM = 30
"""Steps of a random past."""


def pasts(rule: Rule, scale: float, seed: int, steps: int = WARM) -> Iterable[Tensor]:
    """Random gradients `(steps,)`, normal of standard deviation `scale`, in the rule's own precision."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(HISTORIES):
        yield (scale * torch.randn(steps, generator=generator, dtype=torch.float64)).to(_dtype(rule))


def constant(rule: Rule, value: float, steps: int) -> np.ndarray:
    """Each step `(steps,)` under a constant gradient."""
    return torch.stack(steps_under(rule, [torch.tensor(value, dtype=_dtype(rule))] * steps)).detach().double().numpy()


def steps_under(rule: Rule, gradients: Iterable[Tensor], state: Any = None) -> list[Tensor]:
    return walk(rule, gradients, state)[0]


def walk(rule: Rule, gradients: Iterable[Tensor], state: Any = None) -> tuple[list[Tensor], Any]:
    """Each step taken by one number at 0 under these gradients, and the rule's state after them."""
    theta = {"theta": torch.zeros(1, dtype=_dtype(rule))}
    state = rule.init(theta) if state is None else state
    steps = []
    for gradient in gradients:
        # Always from 0, so that a pull towards 0 (weight decay) stays out of the picture.
        moved, state = rule.update({"theta": gradient.reshape(1)}, state, theta)
        steps.append(moved["theta"].squeeze())
    return steps, state


def _dtype(rule: Rule) -> torch.dtype:
    return next(rule.parameters()).dtype if isinstance(rule, nn.Module) else torch.float64
