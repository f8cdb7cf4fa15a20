"""How does attention count weighted examples, and how do attended labels become scores?"""

from __future__ import annotations

import torch
from torch import Tensor

from fewsight.task import positive


def attend(logits: Tensor, weight: Tensor, reference: Tensor) -> Tensor:
    """Attention `(..., Q, K)` whose examples count by `weight`; rows sum to 1 unless examples are dropped."""
    # Only present examples set the scale: an absent one must not push the others to 0, nor overflow itself.
    largest = torch.where(reference > 0, logits, -1e30).amax(-1, keepdim=True).detach()
    kernel = (logits - largest).clamp(max=50.0).exp()
    return kernel * weight / positive((kernel * reference).sum(-1, keepdim=True))


def vote(logits: Tensor, weight: Tensor, reference: Tensor, labels: Tensor) -> Tensor:
    """Log probabilities `(Q, N)`: each class gets the attention on its examples, by labels `(K, N)`.

    The attention that dropped examples would have had says "I do not know", an equal share for each class. It is summed
    from its parts, not taken from 1: the difference would drown a small probability in rounding.
    """
    votes = attend(logits, weight, reference) @ labels
    unknown = attend(logits, reference - weight, reference).sum(-1, keepdim=True) / votes.shape[-1]
    return (votes + unknown).clamp(min=1e-12).log()
