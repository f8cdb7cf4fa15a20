"""Conv4: four blocks of 3x3 convolution, normalisation, 2x2 max-pooling and ReLU; the classic few-shot image encoder.

Vinyals et al. 2016, section 4.1; MAML and Prototypical Networks use the same. 28x28 images give 64 features. Pooling
comes first: normalising a channel and the ReLU are monotone, so the function is the same, at a quarter of the work.
"""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewsight.errors import RecipeError, suggest
from fewsight.networks.channelnorm import ChannelNorm, GroupNorm
from fewsight.networks.features import of_length
from fewsight.networks.moments import convolved, moments
from fewsight.networks.norm import TaskNorm

NORMS = {
    "task": TaskNorm,
    "support": lambda channels: TaskNorm(channels, blend=False),
    "group": lambda channels: GroupNorm(gcd(8, channels) if channels > 8 else channels, channels),
    "instance": lambda channels: GroupNorm(channels, channels),
    "none": lambda channels: nn.Identity(),
}


class Conv4(nn.Module):
    """Images `(B, C, H, W)` to features `(B, out_features)`.

    Args:
        channels: image channels C.
        hidden: filters of each block.
        size: (H, W); the number of features follows from it.
        norm: one of `NORMS`; "task" is support statistics blended with the image's own.
        blocks: number of blocks; each halves the image.
        length: of the features of every image; None: as they come. What steps on a classifier of features does then
            depends on their direction only.
    """

    def __init__(
        self,
        channels: int = 1,
        hidden: int = 64,
        size: tuple[int, int] = (28, 28),
        norm: str = "task",
        blocks: int = 4,
        length: float | None = None,
    ) -> None:
        super().__init__()
        if norm not in NORMS:
            raise RecipeError(f"unknown norm {norm!r}{suggest(norm, NORMS)}")
        layers: list[nn.Module] = []
        for block in range(blocks):
            layers += [
                nn.Conv2d(channels if block == 0 else hidden, hidden, 3, padding=1),
                NORMS[norm](hidden),
                nn.MaxPool2d(2),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers)
        self.length = length
        self.out_features = hidden * (size[0] >> blocks) * (size[1] >> blocks)

    def forward(self, x: Tensor) -> Tensor:
        layers = list(self.layers)
        for conv, norm, pool, relu in zip(*(layers[place::4] for place in range(4)), strict=True):
            pooled = _pooled_first(conv, norm, pool, x) if isinstance(norm, ChannelNorm) else pool(norm(conv(x)))
            x = relu(pooled)
        return of_length(torch.flatten(x, 1), self.length)


def _pooled_first(conv: nn.Module, norm: ChannelNorm, pool: nn.Module, x: Tensor) -> Tensor:
    """pool(norm(conv(x))), computed as norm(pool(conv(x))) by the moments of conv(x); those of the first, and largest,
    follow from the few numbers that its filters see.

    A channel that the norm turns round (a negative weight) is turned before it is pooled, which costs nothing in the
    weights of the convolution, and back by the norm.
    """
    weight, bias = conv.weight, conv.bias
    assert isinstance(weight, Tensor)
    assert isinstance(bias, Tensor)
    sign = torch.where(norm.weight < 0, -1.0, 1.0).to(weight.dtype)
    # The module itself is called: hooks see it.
    found = functional_call(conv, {"weight": weight * sign.view(-1, 1, 1, 1), "bias": bias * sign}, (x,))
    if weight[0].numel() < len(weight):
        return norm(pool(found), of=convolved(x, weight, bias), sign=sign)
    mean, square = moments(found)
    return norm(pool(found), of=(mean * sign, square), sign=sign)
