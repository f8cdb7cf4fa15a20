"""How do few training images teach more? Each is altered at random whenever it is drawn.

A part is cut out, turned, perhaps mirrored, and recoloured. All randomness is the episode's, so task i of a run is the
same on every machine and after every interruption.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, radians
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Altered:
    """Alters images `(n, C, H, W)` in [0, 1], each in its own way; past the border, its pixels go on.

    Attributes:
        tilt: largest rotation either way, in radians.
        zoom: least side of the part that is cut out, as a share of the image's.
        light: largest change of brightness, of contrast and of each channel's strength, as a share.
    """

    tilt: float
    zoom: float
    light: float

    def __call__(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        return self._recoloured(self._moved(images, rng), rng).clamp(0, 1)

    def _moved(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        size = len(images)
        tilt, zoom = rng.uniform(-self.tilt, self.tilt, size), rng.uniform(self.zoom, 1, size)
        mirror = rng.choice((-1.0, 1.0), size)
        shift = rng.uniform(-1, 1, (size, 2)) * (1 - zoom[:, None])
        # Where each pixel looks in the image, in units of half an image: (zoom * rotation * mirror) pixel + shift.
        cosine, sine = zoom * np.cos(tilt), zoom * np.sin(tilt)
        rows = [mirror * cosine, -sine, shift[:, 0]], [mirror * sine, cosine, shift[:, 1]]
        affine = torch.from_numpy(np.array(rows).transpose(2, 0, 1)).to(images.dtype)
        grid = F.affine_grid(affine, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def _recoloured(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        size, channels = images.shape[:2]

        def factor(width: int) -> Tensor:
            drawn = rng.uniform(1 - self.light, 1 + self.light, (size, width, 1, 1))
            return torch.from_numpy(drawn).to(images.dtype)

        mean = images.mean((1, 2, 3), keepdim=True)
        return ((images - mean) * factor(1) + mean * factor(1)) * (factor(channels) if channels > 1 else 1)


Kind = Literal["none", "upright", "turned"]
KINDS: dict[str, Altered | None] = {
    "none": None,
    "upright": Altered(tilt=radians(15), zoom=0.6, light=0.3),
    "turned": Altered(tilt=pi, zoom=0.7, light=0.1),
}
""""upright" for things that have an up, in any light; "turned" for what lies any way and whose colour tells: stains."""
