"""How do a trained run and a user's own images become a task? Read as the run's model sees images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fewsight.domains import ImageFormat, UserImages, image_format, read_query, read_support
from fewsight.errors import DataError
from fewsight.learner import Learner
from fewsight.task import Support
from fewsight.training import Run


@dataclass(frozen=True, eq=False)
class UserTask:
    """A run and its learner, a support set and queries; `notes` says what was done to the images."""

    run: Run
    learner: Learner
    support: Support
    support_images: UserImages
    query_images: UserImages

    @property
    def notes(self) -> tuple[str, ...]:
        said = [f"support: {note}" for note in self.support_images.notes]
        return (*said, *(f"query: {note}" for note in self.query_images.notes))


def read_task(run: str | Path, support: Path, query: Path | Sequence[Path], *, single: bool = False) -> UserTask:
    """The learner of `run`, a folder of support images with one subfolder for each class, and the query images.

    Args:
        query: an image, or a folder of images, or several of these; with `single` it must be one image.

    Raises:
        RunError, DataError: see `Run.learner`, `read_support` and `read_query`.
    """
    opened = Run.open(run)
    domain = opened.recipe.domain
    seen = image_format(domain.name, **domain.settings)
    examples, support_images = read_support(support, *seen)
    query_images = read_query(query, *seen) if isinstance(query, Path) else _together(query, seen)
    if single and len(query_images.names) != 1:
        raise DataError(f"{query} holds {len(query_images.names)} images: explain one at a time, give a single file")
    return UserTask(opened, opened.learner(), examples, support_images, query_images)


def _together(paths: Sequence[Path], seen: ImageFormat) -> UserImages:
    """The queries of several paths, each under the path that was given."""
    if len(paths) == 1:
        return read_query(paths[0], *seen)
    found = [read_query(path, *seen) for path in paths]
    names = [
        (path / name if path.is_dir() else path).as_posix()
        for path, images in zip(paths, found, strict=True)
        for name in images.names
    ]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"query {twice} was given twice: give each image once")
    notes = tuple(f"{path}: {note}" for path, images in zip(paths, found, strict=True) for note in images.notes)
    return UserImages(np.concatenate([images.images for images in found]), tuple(names), notes)
