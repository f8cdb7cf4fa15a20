"""How does a collection of labelled images become few-shot tasks? Draw classes, then examples of each.

Images stay bytes in memory; each episode converts only its own to floats.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fewsight.domains.domain import check_counts, check_split
from fewsight.errors import DataError
from fewsight.task import Support, Task


class ImageFormat(NamedTuple):
    """How a model sees an image: `size` x `size` pixels, `channels` 1 (grey) or 3 (RGB).

    `strokes` says that a drawing's strokes are 1 on a background of 0, whatever colours it was drawn in.
    """

    size: int = 28
    channels: int = 1
    strokes: bool = False


@dataclass(frozen=True, eq=False)
class ImageClasses:
    """Named classes of images.

    Attributes:
        names: the C class names.
        images: uint8; one tensor `(C, n, channels, H, W)`, or C tensors `(n_c, channels, H, W)` when sizes differ.
    """

    names: Sequence[str]
    images: Tensor | Sequence[Tensor]

    def __len__(self) -> int:
        return len(self.names)

    def digest(self) -> bytes:
        """sha256 over names, shapes and pixels."""
        digest = hashlib.sha256()
        for name, images in zip(self.names, self.images, strict=True):
            digest.update(f"{name}\0{tuple(images.shape)}\n".encode())
            digest.update(images.contiguous().view(-1).numpy().data)
        return digest.digest()


@dataclass(frozen=True, eq=False)
class FewShotImages:
    """Tasks of `ways` classes; support and queries are ordered by class, and no image is in both."""

    classes: ImageClasses
    ways: int
    shots: int
    queries: int

    def __post_init__(self) -> None:
        check_counts(ways=self.ways, shots=self.shots, queries=self.queries)
        if len(self.classes) < self.ways:
            raise DataError(
                f"{self.ways} ways need {self.ways} classes, but there are {len(self.classes)}: ask for fewer"
            )
        for name, images in zip(self.classes.names, self.classes.images, strict=True):
            if len(images) < self.shots + self.queries:
                raise DataError(
                    f"class {name!r} has {len(images)} images, but {self.shots} shots and {self.queries} queries need "
                    f"{self.shots + self.queries}: ask for fewer, or add images"
                )

    def draw(self, rng: np.random.Generator) -> Task:
        """`support.x` is `(ways * shots, channels, H, W)` float32 in [0, 1]; labels are the class names."""
        chosen = rng.choice(len(self.classes), self.ways, replace=False)
        names = [self.classes.names[c] for c in chosen]
        support, query = [], []
        for c in chosen:
            images = self.classes.images[c]
            picked = torch.from_numpy(rng.choice(len(images), self.shots + self.queries, replace=False))
            support.append(images[picked[: self.shots]])
            query.append(images[picked[self.shots :]])
        labels = [name for name in names for _ in range(self.shots)]
        return Task(
            Support.of(as_floats(torch.cat(support)), labels, classes=names),
            as_floats(torch.cat(query)),
            torch.arange(self.ways).repeat_interleave(self.queries),
            name=", ".join(names),
        )


@dataclass(frozen=True, eq=False)
class ImageDomain:
    """A `Domain` of images: named classes for each split."""

    name: str
    format: ImageFormat
    classes: Mapping[str, ImageClasses]
    outputs: None = None

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.format.channels, self.format.size, self.format.size

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.classes)

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(self.format).encode())
        for split, classes in self.classes.items():
            digest.update(f"\n{split}\n".encode() + classes.digest())
        return digest.hexdigest()

    def family(self, split: str, *, ways: int, shots: int, queries: int) -> FewShotImages:
        check_split(self.name, split, self.splits)
        try:
            return FewShotImages(self.classes[split], ways, shots, queries)
        except DataError as error:
            raise DataError(f"{self.name}, split {split!r}: {error}") from None


def as_floats(images: Tensor) -> Tensor:
    """uint8 images as float32 in [0, 1]."""
    return images.to(torch.float32) / 255
