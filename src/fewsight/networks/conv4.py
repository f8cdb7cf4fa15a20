"""Conv4: four blocks of 3x3 convolution, normalisation, 2x2 max-pooling and ReLU; the classic few-shot image encoder.

Vinyals et al. 2016, section 4.1; MAML and Prototypical Networks use the same. 28x28 images give 64 features. Pooling
comes before the ReLU: both are monotone, so the function is the same, at a quarter of the work.
"""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn

from fewsight.errors import RecipeError, suggest
from fewsight.networks.norm import TaskNorm

NORMS = {
    "task": TaskNorm,
    "support": lambda channels: TaskNorm(channels, blend=False),
    "group": lambda channels: nn.GroupNorm(gcd(8, channels) if channels > 8 else channels, channels),
    "instance": lambda channels: nn.GroupNorm(channels, channels),
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
    """

    def __init__(
        self,
        channels: int = 1,
        hidden: int = 64,
        size: tuple[int, int] = (28, 28),
        norm: str = "task",
        blocks: int = 4,
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
        self.out_features = hidden * (size[0] >> blocks) * (size[1] >> blocks)

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.layers(x), 1)
