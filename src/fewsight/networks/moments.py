"""What are the mean and the mean square of each channel of each input? In one pass back, and two forward.

Normalisation is most of the time of a small convolutional network: a sum over positions of channels-last images in
reduced precision is slow, and its derivative is a chain of passes over the largest tensors there are. Here sums are
matrix products with ones, and the derivative is one multiply-add.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Moments = tuple[Tensor, Tensor]
"""Mean and mean square of each channel of each input, `(B, C)` each."""


def moments(x: Tensor) -> Moments:
    """Of `(B, C, ...)` over its positions, never in reduced precision; of `(B, C)` itself."""
    if x.ndim == 2:
        x = x.to(_exact(x))
        return x, x.square()
    return _Moments.apply(x.flatten(2))


def convolved(x: Tensor, weight: Tensor, bias: Tensor) -> Moments:
    """Those of a 3x3 convolution (padding 1) of images `x`, without looking at it: a mean is linear and a variance
    quadratic in the filter, with the mean and the covariance of the patches as coefficients.

    Cheaper than `moments` where a patch has fewer numbers than the convolution has filters.
    """
    with torch.autocast(x.device.type, enabled=False):
        patches = F.unfold(x.to(_exact(x)), 3, padding=1)
        center, filters = patches.mean(2), weight.flatten(1)
        away = patches - center[:, :, None]
        covariance = away @ away.mT / away.shape[2]
        mean = F.linear(center, filters, bias)
        return mean, mean.square() + ((filters @ covariance) * filters).sum(2)


class _Moments(torch.autograd.Function):
    """Of `(B, C, P)`; twice differentiable, and vectorised over tasks by torch."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Moments:
        return _mean(x), _mean(x.square())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Moments) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, mean: Tensor, square: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        share = 1 / x.shape[2]
        return torch.addcmul((share * mean).to(x.dtype)[:, :, None], x, (2 * share * square).to(x.dtype)[:, :, None])


def _mean(x: Tensor) -> Tensor:
    if x.dtype == _exact(x):
        return x.mean(2)
    batch, _, positions = x.shape
    ones = torch.ones(1, 1, 1, dtype=x.dtype, device=x.device).expand(batch, 1, positions)
    total = ones @ x.mT
    rest = torch.baddbmm(total, ones, x.mT, beta=-1)  # what rounding the total lost: matrix products add up in float32
    return (total.float() + rest.float())[:, 0] / positions


def _exact(x: Tensor) -> torch.dtype:
    return torch.promote_types(x.dtype, torch.float32)
