"""How do few training images teach more? Each is altered at random whenever it is drawn.

A part is cut out, turned, perhaps mirrored, and recoloured. All randomness is the episode's, so task i of a run is the
same on every machine and after every interruption.
"""

from __future__ import annotations

from math import radians

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

TILT = radians(15)
ZOOM = (0.6, 1.0)
"""Side of the part that is cut out, as a share of the image's."""
LIGHT = 0.3
"""Bounds of the random change of brightness, of contrast and of each channel's strength."""


def altered(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Images `(n, C, H, W)` in [0, 1], each altered in its own way; past the border, its pixels go on."""
    return _recoloured(_moved(images, rng), rng).clamp(0, 1)


def _moved(images: Tensor, rng: np.random.Generator) -> Tensor:
    size = len(images)
    tilt, zoom = rng.uniform(-TILT, TILT, size), rng.uniform(*ZOOM, size)
    mirror = rng.choice((-1.0, 1.0), size)
    shift = rng.uniform(-1, 1, (size, 2)) * (1 - zoom[:, None])
    # Where each pixel looks in the image, in units of half an image: (zoom * rotation * mirror) pixel + shift.
    cosine, sine = zoom * np.cos(tilt), zoom * np.sin(tilt)
    rows = np.stack([mirror * cosine, -sine, shift[:, 0]], -1), np.stack([mirror * sine, cosine, shift[:, 1]], -1)
    affine = torch.from_numpy(np.stack(rows, 1)).to(images.dtype)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _recoloured(images: Tensor, rng: np.random.Generator) -> Tensor:
    size, channels = images.shape[:2]

    def factor(width: int) -> Tensor:
        return torch.from_numpy(rng.uniform(1 - LIGHT, 1 + LIGHT, (size, width, 1, 1))).to(images.dtype)

    mean = images.mean((1, 2, 3), keepdim=True)
    return ((images - mean) * factor(1) + mean * factor(1)) * (factor(channels) if channels > 1 else 1)
