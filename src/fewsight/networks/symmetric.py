"""How does an encoder not care which way up a thing lies? Its features are averaged over eight turns of the image.

A cell on a slide has no up. The mean over all turns of a group is the same for each of them (a group average), so a few
examples stand for all their turns. Turns are by eighths of a circle: those by quarters are exact, those between them
interpolate. In training one view is enough, where training images are turned at random (`augment = "turned"`): it
costs an eighth.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn


class Symmetric(nn.Module):
    """`network` on square images `(B, C, S, S)`; in evaluation the mean of its features over eight turns.

    Args:
        network: from images to features `(B, D)`; if it knows its `out_features`, so does this.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.out_features: Any = getattr(network, "out_features", None)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self.network(x)
        views = [torch.rot90(image, turn, (-2, -1)) for image in (x, eighth(x)) for turn in range(4)]
        return torch.stack([self.network(view) for view in views]).mean(0)


def eighth(images: Tensor) -> Tensor:
    """Square images `(..., S, S)` turned by 45 degrees about their middle, bilinear; what was outside is as the border.

    A sum over fixed places, which has derivatives of every order in the image.
    """
    places, shares = _corners(images.shape[-1])
    pixels = images.flatten(-2)[..., places.to(images.device)]
    return (pixels * shares.to(images)).sum(-2).view_as(images)


@cache
def _corners(size: int) -> tuple[Tensor, Tensor]:
    """For each pixel the four around where it looks, and their shares, `(4, S * S)` both."""
    middle, half = (size - 1) / 2, 0.5**0.5
    down, right = torch.meshgrid(*[torch.arange(size, dtype=torch.float64) - middle] * 2, indexing="ij")
    looks = [(half * (down + right)).clamp(-middle, middle), (half * (right - down)).clamp(-middle, middle)]
    first = [(look + middle).floor().clamp(max=size - 2) for look in looks]
    beyond = [look + middle - low for look, low in zip(looks, first, strict=True)]
    places, shares = [], []
    for below in (0, 1):
        for beside in (0, 1):
            places.append((first[0] + below) * size + first[1] + beside)
            share = [part if more else 1 - part for part, more in zip(beyond, (below, beside), strict=True)]
            shares.append(share[0] * share[1])
    return torch.stack(places).long().flatten(1), torch.stack(shares).flatten(1)
