"""How do your own images come in? As a folder with one subfolder of images for each class.

The same folder can be the support set of one task (`read_support`), or, with enough classes, a domain to meta-train on
(`open_domain("folder", path=...)`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from fewsight.domains.classes import Classes
from fewsight.domains.divided import divided
from fewsight.domains.domain import ClassDomain
from fewsight.domains.format import Examples
from fewsight.domains.images.classfolders import class_files
from fewsight.domains.images.file import read_images
from fewsight.domains.images.format import ImageFormat
from fewsight.task import Support


def read_support(
    folder: Path, size: int = 28, channels: int = 1, strokes: bool = False, *, invert: bool | None = None
) -> tuple[Support, Examples]:
    """A support set from a folder with one subfolder for each class (named after it); more subfolders inside are fine.

    Args:
        size, channels, strokes: how the model sees images; `domain.format.read_support(folder)` knows it itself.
        invert: True inverts all, False none; None those with a light border where the model expects light strokes.

    Returns:
        The support set, ordered by class, and its examples in the same order.

    Raises:
        DataError: no such folder, fewer than two classes, an empty class, or an image that cannot be used.
    """
    return ImageFormat(size, channels, strokes).read_support(folder, invert=invert)


def read_query(
    path: Path, size: int = 28, channels: int = 1, strokes: bool = False, *, invert: bool | None = None
) -> Examples:
    """Queries from one image file, or from all images of a folder, by name; arguments as in `read_support`.

    Raises:
        DataError: nothing there, no image in the folder, or an image that cannot be used.
    """
    return ImageFormat(size, channels, strokes).read_query(path, invert=invert)


def open_folder(
    data: Path | None = None,
    *,
    path: str | Path,
    size: int = 28,
    channels: int = 1,
    strokes: bool = False,
    split: Sequence[float] = (0.6, 0.2, 0.2),
) -> ClassDomain:
    """A domain of the classes in the folder `path`, divided into "train", "val" and "test" by the shares `split`."""
    files = class_files(Path(path))
    form = ImageFormat(size, channels, strokes)
    loaded = {
        name: torch.from_numpy(form.oriented(read_images(members, size, channels))[0])
        for name, members in files.items()
    }
    parts = divided(files, split)
    classes = {part: Classes(tuple(of), [loaded[name] for name in of]) for part, of in parts.items()}
    return ClassDomain("folder", form, classes)
