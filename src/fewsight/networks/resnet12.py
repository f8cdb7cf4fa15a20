"""ResNet-12: four residual blocks of three convolutions, the deeper of the two usual few-shot image encoders.

Oreshkin, Rodriguez, Lacoste 2018 (TADAM); widths as in Lee et al. 2019 (MetaOptNet) are (64, 160, 320, 640). Each block
halves the image; the mean over what is left of it are the features, so that any size from 16 on will do.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewsight.errors import RecipeError, suggest
from fewsight.networks.conv4 import NORMS
from fewsight.networks.features import of_length

SLOPE = 0.1
"""Of the leaky ReLU."""


class Block(nn.Module):
    """conv-norm-relu, conv-norm-relu, conv-norm, plus a 1x1 conv-norm of the input; relu, 2x2 max-pooling, drop-out."""

    def __init__(self, channels: int, width: int, norm: str, dropout: float) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            NORMS[norm](width),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            NORMS[norm](width),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            NORMS[norm](width),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), NORMS[norm](width))
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(F.max_pool2d(F.leaky_relu(self.path(x) + self.shortcut(x), SLOPE), 2))


class ResNet12(nn.Module):
    """Images `(B, C, H, W)`, H and W at least 16, to features `(B, out_features)`.

    Args:
        channels: image channels C.
        widths: filters of each block; the last is the number of features.
        norm: one of `conv4.NORMS`.
        dropout: probability that a channel is dropped after a block, in training.
        length: as in `Conv4`.
    """

    def __init__(
        self,
        channels: int = 3,
        widths: Sequence[int] = (64, 160, 320, 640),
        norm: str = "task",
        dropout: float = 0.0,
        length: float | None = None,
    ) -> None:
        super().__init__()
        if norm not in NORMS:
            raise RecipeError(f"unknown norm {norm!r}{suggest(norm, NORMS)}")
        if not (0 <= dropout < 1 and widths and min(widths) > 0):
            raise RecipeError(f"widths must be above 0 and dropout in [0, 1), got widths={list(widths)}, {dropout=}")
        steps = zip((channels, *widths[:-1]), widths, strict=True)
        self.blocks = nn.Sequential(*(Block(entering, width, norm, dropout) for entering, width in steps))
        self.out_features, self.length = widths[-1], length

    def forward(self, x: Tensor) -> Tensor:
        return of_length(torch.flatten(self.blocks(x).mean((-2, -1)), 1), self.length)
