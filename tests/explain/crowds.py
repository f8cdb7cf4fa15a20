"""Many queries in front of tiny learners in float64, for the tests of populations."""

from __future__ import annotations

from typing import Any

import tiny
import torch
from torch import Tensor

from fewsight.explain.crowd import Crowd, crowd

LEARNERS = ("maml", "anil", "protonet", "matching", "ridge", "relation")


def queries(size: int = 7, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(400 + seed)
    return torch.randn(size, tiny.FEATURES, dtype=torch.float64, generator=generator)


def classes(name: str = "protonet", *, shots: int = 2, size: int = 7, **settings: Any) -> Crowd:
    """Three classes; the queries are noise with random labels, so that many are answered wrongly."""
    labels = torch.randint(0, 3, (size,), generator=torch.Generator().manual_seed(500))
    return crowd(tiny.learner(name), tiny.support(3, shots), queries(size), labels, **settings)


def values(name: str = "maml", size: int = 7) -> Crowd:
    """A regression task with one output."""
    asked = queries(size)
    return crowd(tiny.learner(name, outputs=1), tiny.values_support(), asked, asked.sum(1).sin())
