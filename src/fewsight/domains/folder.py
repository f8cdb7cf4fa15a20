"""How do your own images come in? As a folder with one subfolder of images for each class.

The same folder can be the support set of one task (`read_support`), or, with enough classes, a domain to meta-train on
(`open_domain("folder", path=...)`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fewsight.domains.imagefile import read_images
from fewsight.domains.images import ImageClasses, ImageDomain, ImageFormat, as_floats
from fewsight.errors import DataError, RecipeError
from fewsight.task import Support

LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
"""What file managers and archivers leave behind; hidden files are ignored too."""


@dataclass(frozen=True, eq=False)
class UserImages:
    """Images of a user, as the model sees them.

    Attributes:
        images: `(n, channels, size, size)` uint8.
        names: each file, relative to the folder that was given.
        notes: what was done to them that the user should know, a sentence each.
    """

    images: np.ndarray
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def x(self) -> Tensor:
        """The images as inputs, float32 in [0, 1]."""
        return as_floats(torch.from_numpy(self.images))

    @property
    def pictures(self) -> list[np.ndarray]:
        """The images as pictures, `(size, size)` grey or `(size, size, 3)` colour."""
        return [image[0] if len(image) == 1 else image.transpose(1, 2, 0) for image in self.images]


def read_support(
    folder: Path, size: int = 28, channels: int = 1, strokes: bool = False, *, invert: bool | None = None
) -> tuple[Support, UserImages]:
    """A support set from a folder with one subfolder for each class (named after it); more subfolders inside are fine.

    Args:
        size, channels, strokes: how the model sees images: `read_support(folder, *domain.format)`.
        invert: True inverts all, False none; None those with a light border where the model expects light strokes.

    Returns:
        The support set, ordered by class, and its images in the same order.

    Raises:
        DataError: no such folder, fewer than two classes, an empty class, or an image that cannot be used.
    """
    classes = _class_files(Path(folder))
    if len(classes) < 2:
        raise DataError(
            f"{folder} has one class only ({next(iter(classes))!r}): give a subfolder for each of two or more"
        )
    files = [file for members in classes.values() for file in members]
    images = _read(files, Path(folder), ImageFormat(size, channels, strokes), invert)
    labels = [name for name, members in classes.items() for _ in members]
    return Support.of(images.x, labels, classes=tuple(classes)), images


def read_query(
    path: Path, size: int = 28, channels: int = 1, strokes: bool = False, *, invert: bool | None = None
) -> UserImages:
    """Queries from one image file, or from all images of a folder, by name; arguments as in `read_support`.

    Raises:
        DataError: nothing there, no image in the folder, or an image that cannot be used.
    """
    path = Path(path)
    files = list(_files(path)) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} holds no images: put at least one there")
    return _read(files, path if path.is_dir() else path.parent, ImageFormat(size, channels, strokes), invert)


def open_folder(
    data: Path | None = None,
    *,
    path: str | Path,
    size: int = 28,
    channels: int = 1,
    strokes: bool = False,
    split: Sequence[float] = (0.6, 0.2, 0.2),
) -> ImageDomain:
    """A domain of the classes in the folder `path`, divided into "train", "val" and "test" by the shares `split`.

    Which class falls where depends on the class names alone (the order of their sha256).
    """
    if len(split) != 3 or min(split) < 0 or abs(sum(split) - 1) > 1e-6:
        raise RecipeError(f"split must be three shares that sum to 1, got {list(split)}")
    root = Path(path)
    files = _class_files(root)
    image_format = ImageFormat(size, channels, strokes)
    names = sorted(files, key=lambda name: hashlib.sha256(name.encode()).digest())
    first, second = round(split[0] * len(names)), round((split[0] + split[1]) * len(names))
    parts = {"train": names[:first], "val": names[first:second], "test": names[second:]}

    def load(name: str) -> Tensor:
        return torch.from_numpy(_read(files[name], root, image_format, None).images)

    classes = {part: ImageClasses(tuple(sorted(of)), [load(name) for name in sorted(of)]) for part, of in parts.items()}
    return ImageDomain("folder", image_format, classes)


def _class_files(folder: Path) -> dict[str, list[Path]]:
    """Image files by class, classes and files in order of name."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}: give a folder with one subfolder of images for each class")
    entries = _entries(folder)
    if stray := next((entry for entry in entries if not entry.is_dir()), None):
        raise DataError(f"{stray} lies outside the class folders: move it into the folder of its class, or remove it")
    if not entries:
        raise DataError(f"{folder} holds no class folders: make one subfolder of images for each class")
    classes = {entry.name: list(_files(entry)) for entry in entries}
    if empty := next((name for name, files in classes.items() if not files), None):
        raise DataError(f"class folder {folder / empty} holds no images: add at least one, or remove the folder")
    return classes


def _files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """All files below, in order; links are followed, but not back to a folder above."""
    real = folder.resolve()
    if real in above:
        return
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _files(entry, above | {real})
        else:
            yield entry


def _entries(folder: Path) -> list[Path]:
    try:
        entries = [e for e in folder.iterdir() if not e.name.startswith(".") and e.name.casefold() not in LITTER]
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}") from error
    return sorted(entries, key=lambda entry: (entry.name.casefold(), entry.name))


def _read(files: list[Path], root: Path, image_format: ImageFormat, invert: bool | None) -> UserImages:
    images = read_images(files, image_format.size, image_format.channels)
    names = tuple(file.relative_to(root).as_posix() for file in files)
    if invert is None and image_format.strokes:
        inverted = _border(images) > 127.5
    else:
        inverted = np.full(len(images), bool(invert))
    if not inverted.any():
        return UserImages(images, names)
    images[inverted] = 255 - images[inverted]
    why = "as asked" if invert else "dark on light, while this model expects light strokes on a dark background"
    return UserImages(images, names, (f"{inverted.sum()} of {len(images)} images were inverted ({why})",))


def _border(images: np.ndarray) -> np.ndarray:
    """Mean brightness of each image's outermost ring of pixels, `(n,)`."""
    ring = np.ones(images.shape[-2:], dtype=bool)
    ring[1:-1, 1:-1] = False
    return images[..., ring].mean((1, 2))
