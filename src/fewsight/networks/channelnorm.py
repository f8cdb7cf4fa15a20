"""What do the normalisations of a convolution share? A scale and a shift for each channel, found from moments.

So they can be told the moments of something else than what they normalise: `Conv4` normalises what is left after
pooling by the moments of all that was pooled.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewsight.networks.moments import Moments, moments

EPSILON = 1e-5
"""Added to variances."""


class ChannelNorm(nn.Module):
    """Normalises channels (dimension 1 of `(B, C, ...)`), then scales by `weight` and shifts by `bias`, `(C,)`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, of: Moments | None = None, sign: Tensor | None = None) -> Tensor:
        """`x` normalised by its own moments, or by those `of` what it was taken from.

        Args:
            sign: channels `(C,)` of `x` that are given turned round have -1 here, the others 1.
        """
        mean, square = self.blended(*(moments(x) if of is None else of), space=x.ndim > 2)
        variance = (square - mean.square()).clamp(min=0)
        scale = self.weight * (variance + EPSILON).rsqrt()
        shift = self.bias - mean * scale
        scale = scale if sign is None else scale * sign
        view = (-1, x.shape[1]) + (1,) * (x.ndim - 2)
        return torch.addcmul(shift.to(x.dtype).view(view), x, scale.to(x.dtype).view(view))

    def blended(self, mean: Tensor, square: Tensor, *, space: bool) -> Moments:
        """The moments to normalise by, `(B, C)` or `(C,)`, from those of each input, `(B, C)`.

        Args:
            space: inputs have positions, so that the moments of one input mean something.
        """
        raise NotImplementedError


class GroupNorm(ChannelNorm):
    """Normalise by the moments of groups of neighbouring channels of the input alone (Wu & He 2018, equation 7)."""

    def __init__(self, groups: int, channels: int) -> None:
        super().__init__(channels)
        self.groups = groups

    def blended(self, mean: Tensor, square: Tensor, *, space: bool) -> Moments:
        return self._shared(mean), self._shared(square)

    def _shared(self, moment: Tensor) -> Tensor:
        size = moment.shape[1] // self.groups
        return moment.unflatten(1, (self.groups, size)).mean(2).repeat_interleave(size, 1)
