"""How do images get into one file? As PNG data addresses, small ones left pixel by pixel."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from fewsight.errors import DataError

THUMBNAIL = 72
"""Longest side in pixels of a support example's picture: 60 of them stay under half a megabyte or so."""
PORTRAIT = 256
"""Longest side of the query's picture."""


def checked(image: np.ndarray, name: str) -> np.ndarray:
    """The image itself if it is `(H, W)` or `(H, W, 3)` of uint8; DataError otherwise."""
    shape_fits = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.uint8 or not shape_fits or image.size == 0:
        raise DataError(
            f"the picture of {name} is {image.dtype} of shape {image.shape}; give uint8 of shape (H, W) or (H, W, 3)"
        )
    return image


def data_uri(image: np.ndarray, longest: int) -> str:
    """`data:image/png;base64,...`, shrunk where its longest side exceeds `longest` pixels, never enlarged."""
    picture = Image.fromarray(image)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
