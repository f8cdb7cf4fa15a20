"""Which part of the query speaks for which class? The query, paled, under a blue and orange veil.

The colours are symmetric around zero: equal strength for equal size.
"""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from PIL import Image

from fewsight.picture import LARGE, Picture
from fewsight.report.palette import LIGHT, rgb
from fewsight.report.svg import element

SATURATION = 99.0
"""The percentile of |value| at which the colour is full: one extreme pixel must not bleach all others."""
PALEST = 150
"""What black becomes under the veil, of 255."""
ROWS = ("upper", "middle", "lower")
COLUMNS = ("left", "centre", "right")


def signed_map(values: np.ndarray) -> np.ndarray | None:
    """Attributions of one image, `(1, C, H, W)`, `(C, H, W)` or `(H, W)`, as `(H, W)`: channels added; else None."""
    leading = (
        values.reshape(values.shape[-3:])
        if values.ndim > 3 and values.shape[:-3] == (1,) * (values.ndim - 3)
        else values
    )
    if leading.ndim == 3:
        return np.asarray(leading.sum(0))
    return leading if leading.ndim == 2 and min(leading.shape) > 1 else None


def regions(signed: np.ndarray) -> dict[tuple[str, str], float]:
    """The sum over each ninth of the picture, by (row, column) name; what the text alternative and the table say."""
    return {
        (row, column): float(part.sum())
        for row, band in zip(ROWS, np.array_split(signed, 3, axis=0), strict=True)
        for column, part in zip(COLUMNS, np.array_split(band, 3, axis=1), strict=True)
    }


def heat_map(name: str, title: str, description: str, signed: np.ndarray, query: np.ndarray | None) -> Markup:
    """The picture as SVG with its text alternative."""
    veiled = overlay(signed, query)
    height, width = veiled.shape[:2]
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        element("image", href=Picture(veiled).address(LARGE), width=width, height=height, class_="pixels"),
        class_="heat",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        viewBox=f"0 0 {width} {height}",
    )


def overlay(signed: np.ndarray, query: np.ndarray | None) -> np.ndarray:
    """`(H, W, 3)` uint8: the paled query, blue where `signed` is positive and orange where it is negative."""
    size = signed.shape if query is None else np.maximum(signed.shape, query.shape[:2])
    largest = np.minimum(size, LARGE)
    height, width = int(largest[0]), int(largest[1])
    ground = np.full((height, width, 1), 255.0) if query is None else _paled(query, height, width)
    strength = _resized(signed / saturation(signed), height, width)[..., None]
    color = np.where(strength > 0, rgb(LIGHT["for"]), rgb(LIGHT["against"]))
    veil = 0.9 * np.abs(strength).clip(0, 1)
    return (ground * (1 - veil) + color * veil).round().astype(np.uint8)


def saturation(signed: np.ndarray) -> float:
    """The value at which the colour is full."""
    return float(np.percentile(np.abs(signed), SATURATION)) or float(np.abs(signed).max()) or 1.0


def _paled(query: np.ndarray, height: int, width: int) -> np.ndarray:
    """Grey from `PALEST` to white, so that the colour of the veil is seen and the drawing still shows through."""
    grey = np.asarray(Image.fromarray(query).convert("L"), dtype=np.float32)
    return (PALEST + _resized(grey, height, width)[..., None] * ((255 - PALEST) / 255)).astype(float)


def _resized(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Repeat pixels to enlarge, average them to shrink."""
    smaller = array.shape[0] > height or array.shape[1] > width
    how = Image.Resampling.BOX if smaller else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(array.astype(np.float32)).resize((width, height), how), dtype=float)
