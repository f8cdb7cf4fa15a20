"""How does a model see an image? In one size, grey or in colour, and drawings with light strokes on a dark ground.

Images stay bytes in memory; each episode converts only its own to floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fewsight.domains.format import GUESSED, Columns, Examples
from fewsight.domains.images.classfolders import all_files, class_files
from fewsight.domains.images.file import fit, read_images
from fewsight.errors import DataError
from fewsight.picture import Picture
from fewsight.task import Support


@dataclass(frozen=True)
class ImageFormat:
    """A `Format` of `size` x `size` pixels, `channels` 1 (grey) or 3 (RGB).

    `strokes` says that a drawing's strokes are 1 on a background of 0, whatever colours it was drawn in.
    """

    kind: ClassVar[str] = "images"
    size: int = 28
    channels: int = 1
    strokes: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.size, self.size

    def ready(self, stored: Tensor) -> Tensor:
        """uint8 images as float32 in [0, 1]."""
        return stored.to(torch.float32) / 255

    def encode(self, raw: Sequence[np.ndarray], names: Sequence[str], invert: bool | None = None) -> Examples:
        """Pictures `(H, W)` or `(H, W, 3)` as examples; `invert` as in `folder.read_support`."""
        return self.examples(np.stack([fit(picture, self.size, self.channels) for picture in raw]), names, invert)

    def read_support(
        self, path: Path, columns: Columns = GUESSED, invert: bool | None = None
    ) -> tuple[Support, Examples]:
        _no_columns(columns)
        classes = class_files(Path(path))
        if len(classes) < 2:
            raise DataError(
                f"{path} has one class only ({next(iter(classes))!r}): give a subfolder for each of two or more"
            )
        files = [file for members in classes.values() for file in members]
        found = self.read(files, Path(path), invert)
        labels = [name for name, members in classes.items() for _ in members]
        return Support.of(found.x, labels, classes=tuple(classes)), found

    def read_query(self, path: Path, columns: Columns = GUESSED, invert: bool | None = None) -> Examples:
        _no_columns(columns)
        path = Path(path)
        files = list(all_files(path)) if path.is_dir() else [path]
        if not files:
            raise DataError(f"{path} holds no images: put at least one there")
        return self.read(files, path if path.is_dir() else path.parent, invert)

    def read(self, files: Sequence[Path], root: Path, invert: bool | None = None) -> Examples:
        """Image files as examples, named by their path below `root`."""
        names = [file.relative_to(root).as_posix() for file in files]
        return self.examples(read_images(files, self.size, self.channels), names, invert)

    def examples(self, images: np.ndarray, names: Sequence[str], invert: bool | None = None) -> Examples:
        """Images `(n, channels, size, size)` uint8 as examples."""
        images, count = self.oriented(images, invert)
        why = "as asked" if invert else "dark on light, while this model expects light strokes on a dark background"
        notes = (f"{count} of {len(images)} images were inverted ({why})",) if count else ()
        views = tuple(Picture(_picture(image), name) for image, name in zip(images, names, strict=True))
        return Examples(self.ready(torch.from_numpy(images)), tuple(names), views, notes)

    def oriented(self, images: np.ndarray, invert: bool | None = None) -> tuple[np.ndarray, int]:
        """Images of this format, those inverted that need it, and how many that were."""
        guess = invert is None and self.strokes
        inverted = _border(images) > 127.5 if guess else np.full(len(images), bool(invert))
        return np.where(inverted[:, None, None, None], 255 - images, images), int(inverted.sum())

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _no_columns(columns: Columns) -> None:
    if columns != GUESSED:
        raise DataError("this model sees images, which have no columns: leave out --input, --label and --group")


def _picture(image: np.ndarray) -> np.ndarray:
    """`(channels, H, W)` as `(H, W)` grey or `(H, W, 3)` colour."""
    return image[0] if len(image) == 1 else image.transpose(1, 2, 0)


def _border(images: np.ndarray) -> np.ndarray:
    """Mean brightness of each image's outermost ring of pixels, `(n,)`."""
    ring = np.ones(images.shape[-2:], dtype=bool)
    ring[1:-1, 1:-1] = False
    return images[..., ring].mean((1, 2))
