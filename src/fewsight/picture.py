"""How is an image shown? As a PNG inside the page, small ones left pixel by pixel."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from markupsafe import Markup
from PIL import Image

from fewsight.errors import DataError

SMALL = 72
"""Longest side in pixels on a card: 60 of them stay under half a megabyte or so."""
LARGE = 256
"""Longest side beside the answer."""
COARSE = 64
"""Longest side in pixels up to which a picture is enlarged pixel by pixel."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A `View` of an image; its parts are pixels, which the page shades itself.

    Attributes:
        pixels: `(H, W)` or `(H, W, 3)` uint8.
        text: its text alternative.

    Raises:
        DataError: pixels of another type or shape.
    """

    pixels: np.ndarray
    text: str = ""
    parts: tuple[str, ...] = ()
    wide: bool = False

    def __post_init__(self) -> None:
        shape_fits = self.pixels.ndim == 2 or (self.pixels.ndim == 3 and self.pixels.shape[2] == 3)
        if self.pixels.dtype != np.uint8 or not shape_fits or self.pixels.size == 0:
            raise DataError(
                f"the picture of {self.text or 'an example'} is {self.pixels.dtype} of shape {self.pixels.shape}; "
                "give uint8 of shape (H, W) or (H, W, 3)"
            )

    @property
    def coarse(self) -> bool:
        """Whether it has so few pixels that each is to be seen as a square."""
        return max(self.pixels.shape[:2]) <= COARSE

    def small(self) -> Markup:
        return self._image(SMALL)

    def large(self) -> Markup:
        return self._image(LARGE)

    def shaded(self, shares: np.ndarray) -> Markup | None:
        return None

    def address(self, longest: int) -> str:
        """`data:image/png;base64,...`, shrunk where its longest side exceeds `longest` pixels, never enlarged."""
        picture = Image.fromarray(self.pixels)
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        buffer = BytesIO()
        picture.save(buffer, format="PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

    def _image(self, longest: int) -> Markup:
        style = Markup(' class="coarse"') if self.coarse else ""
        return Markup('<img src="{}" alt="{}"{}>').format(self.address(longest), self.text, style)
