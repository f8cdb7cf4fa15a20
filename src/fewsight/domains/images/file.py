"""How is any image file turned into the square of bytes a model sees? Carefully: files of users are not to be trusted.

Size is checked before anything is decoded; rotation by EXIF, transparency (laid on white), palettes, CMYK and 16-bit
values are resolved; the picture keeps its proportions and is padded to a square with the colour of its border.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fewsight.errors import DataError, RecipeError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""Only these are tried: some of Pillow's other readers run programs."""
MAX_PIXELS = 64_000_000
MAX_SIDE = 32_768
GREY = 12
"""Differences between the channels of a pixel up to which it counts as grey: JPEG makes such."""


def read_images(paths: Iterable[Path], size: int, channels: int) -> np.ndarray:
    """Image files as `(n, channels, size, size)` uint8; channels 1 is grey, 3 is RGB. Of an animation: the first frame.

    Raises:
        DataError: a file is missing, empty, no image, damaged or too large (the message names it).
        RecipeError: an impossible size or number of channels.
    """
    if size < 1 or channels not in (1, 3):
        raise RecipeError(f"images have size >= 1 and 1 or 3 channels, got size={size}, channels={channels}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata; what matters here raises an error
        return np.stack([_read(path, size, channels) for path in paths])


def fit(picture: np.ndarray, size: int, channels: int) -> np.ndarray:
    """A picture `(H, W)` or `(H, W, 3)` of uint8 as `(channels, size, size)`, as a file with these pixels would be."""
    square = _square(Image.fromarray(picture).convert("L" if channels == 1 else "RGB"), size)
    return np.asarray(square).reshape(size, size, channels).transpose(2, 0, 1)


def survey(paths: Sequence[Path]) -> tuple[int, bool]:
    """The median of the longer sides of these images in pixels, and whether any is in colour.

    Raises:
        DataError: as in `read_images`.
    """
    small = read_images(paths, 16, 3).astype(int)
    sides = []
    for path in paths:
        with Image.open(path, formats=FORMATS) as image:
            sides.append(max(image.size))
    return int(np.median(sides)), bool((small.max(1) - small.min(1)).max() > GREY)


def decode(source: Path | BinaryIO, name: str, size: int, channels: int) -> np.ndarray:
    """One image, a file or its bytes, as `(channels, size, size)`; errors say that it is `name`.

    Raises:
        DataError: as in `read_images`.
    """
    try:
        with Image.open(source, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
                raise _too_large(name, f"{image.width} x {image.height} pixels")
            image.draft(None, (4 * size, 4 * size))  # a JPEG is decoded at a fraction of its size where that is enough
            upright = _flat(_eight_bit(ImageOps.exif_transpose(image), name))
            square = _square(upright.convert("L" if channels == 1 else "RGB"), size)
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(name, "far too many pixels") from None
    except UnidentifiedImageError:
        raise DataError(f"{name} is not an image ({', '.join(FORMATS)}): remove it or convert it to PNG") from None
    except Exception as error:  # a damaged file can make a decoder fail in any way
        raise DataError(f"{name} cannot be read as an image ({error}): replace it by a sound copy") from error
    return np.asarray(square).reshape(size, size, channels).transpose(2, 0, 1)


def _read(path: Path, size: int, channels: int) -> np.ndarray:
    try:
        if not path.is_file():
            raise DataError(f"{path} is not there or not a file (a broken link?): remove it or give an image")
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty (0 bytes): replace it by the image it should be")
    except OSError as error:
        raise DataError(f"{path} cannot be read as an image ({error}): replace it by a sound copy") from error
    return decode(path, str(path), size, channels)


def _too_large(name: str, what: str) -> DataError:
    limit = f"at most {MAX_PIXELS // 1_000_000} million pixels and {MAX_SIDE} a side are decoded"
    return DataError(f"{name} is too large ({what}): {limit}; scale it down")


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    """Grey values of 16 bits (0 to 65535) or floats (0 to 1), which Pillow would clip to white, as 8 bits."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    values = np.asarray(image).astype(np.float32)
    top = 1.0 if image.mode == "F" else 65535.0
    if not (values.min() >= 0 and values.max() <= top):  # NaN fails both
        raise DataError(f"{name} has grey values outside 0 to {top:g}: convert it to 8 or 16 bits")
    return Image.fromarray((values * (255 / top)).round().astype(np.uint8))


def _flat(image: Image.Image) -> Image.Image:
    """Without palette and transparency: mode L or RGB."""
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _square(image: Image.Image, size: int) -> Image.Image:
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    if width == height:
        return small
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.median(border, axis=0).astype(np.uint8)
    canvas = Image.fromarray(np.broadcast_to(colour, (size, size, *pixels.shape[2:])).copy())
    canvas.paste(small, ((size - width) // 2, (size - height) // 2))
    return canvas
