"""How does an encoder not care which way up a thing lies? Its features are averaged over the eight views of a square.

A cell on a slide has no up. The mean over quarter turns and mirror images is the same for all eight (a group average),
so a few examples stand for all their turns. In training one view is enough, where training images are turned at random
(`augment = "turned"`): it costs an eighth.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Symmetric(nn.Module):
    """`network` on square images `(B, C, S, S)`; in evaluation the mean of its features over turns and mirrorings.

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
        views = [torch.rot90(image, turn, (-2, -1)) for image in (x, x.flip(-1)) for turn in range(4)]
        return torch.stack([self.network(view) for view in views]).mean(0)
