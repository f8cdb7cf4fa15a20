"""Distances between embeddings: `(Q, D)` and `(S, D)` to `(Q, S)`, all written as *similarities* (larger is nearer)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from fewsight.errors import RecipeError, suggest

Similarity = Callable[[Tensor, Tensor], Tensor]


def euclidean(a: Tensor, b: Tensor) -> Tensor:
    """Negative squared Euclidean distance (a Bregman divergence; Snell et al. 2017, section 2.4)."""
    return -(a[:, None, :] - b[None, :, :]).square().sum(-1)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of the angle; 0 for a zero vector (Vinyals et al. 2016, section 2.1.1)."""
    return F.normalize(a, dim=-1, eps=1e-6) @ F.normalize(b, dim=-1, eps=1e-6).mT


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product."""
    return a @ b.mT


SIMILARITIES: dict[str, Similarity] = {"euclidean": euclidean, "cosine": cosine, "dot": dot}


def similarity(metric: str | Similarity) -> Similarity:
    """The similarity of that name, or the callable itself."""
    if callable(metric):
        return metric
    if metric not in SIMILARITIES:
        raise RecipeError(f"unknown distance {metric!r}{suggest(metric, SIMILARITIES)}")
    return SIMILARITIES[metric]


def flat(embedding: Tensor) -> Tensor:
    """Embeddings of any shape `(B, ...)` as float vectors `(B, D)`; distances are taken outside reduced precision."""
    flattened = embedding.flatten(1)
    return flattened.float() if flattened.dtype in (torch.bfloat16, torch.float16) else flattened
