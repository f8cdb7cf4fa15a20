"""How do images come out of a data set's archive? By class, each once, decoded as a user's own files would be.

A zip or a tar, or a zip that holds a tar; somewhere inside, a folder with one folder of images for each class. Archives
packed anew are known by their content.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fewsight.domains.cache import cached
from fewsight.domains.datadir import DataFile, content_digest, data_dir, fetch, file_digest
from fewsight.domains.images.file import decode

SUFFIXES = (".jpg", ".jpeg", ".png")
Choose = Callable[[Sequence[str]], Sequence[str]]
"""From the sorted file names of a class to those that are used."""


@dataclass(frozen=True)
class Published:
    """Where an image set is published, in one archive or another.

    Attributes:
        name: of the set, and of its folder in a data directory.
        archives: file name, address and digest ("md5:...", "sha256:...") of each; the first is what is downloaded.
        folder: the folder inside that holds the class folders.
        content: sha256 over the lines `class/file NUL sha256(bytes) LF` of all images used, sorted: what an archive of
            other bytes must hold.
        classes: those that are used; None: all.
        choose: which images of a class are used.
    """

    name: str
    archives: tuple[tuple[str, str, str], ...]
    folder: str
    content: str
    classes: frozenset[str] | None = None
    choose: Choose = tuple

    @property
    def files(self) -> tuple[DataFile, ...]:
        return tuple(DataFile(self.name, *archive, self._same_content) for archive in self.archives)

    def load(self, size: int, channels: int, data: Path | None = None) -> dict[str, Tensor]:
        """The images of each class, `(n, channels, size, size)` uint8, in order of name.

        Raises:
            DataError: the archive is corrupt, or absent and not to be had.
        """
        root = data_dir(data)
        file = next((file for file in self.files if file.find(root)), self.files[0])
        # The cache is named after the archive's bytes and written only once they were verified.
        (path,) = fetch((file,), data, unverified=(file,))
        key = f"{self.name}-{size}-{channels}-{file_digest(path)[:24]}"

        def build() -> dict[str, Tensor]:
            file.verify(path)
            return {name: _decoded(images, size, channels) for name, images in self.images(path).items()}

        return cached(key, build)

    def images(self, path: Path) -> dict[str, dict[str, bytes]]:
        """Bytes of the images used, by class and file name, both sorted."""
        found: dict[str, dict[str, bytes]] = {}
        for name, content in _members(path):
            *_, folder, kind, file = ("", "", *name.split("/"))
            used = folder == self.folder and (self.classes is None or kind in self.classes)
            if used and not file.startswith("."):  # some archivers add hidden doubles
                found.setdefault(kind, {})[file] = content
        return {kind: {name: found[kind][name] for name in self.choose(sorted(found[kind]))} for kind in sorted(found)}

    def _same_content(self, path: Path) -> bool:
        def members() -> Iterator[tuple[str, bytes]]:
            for kind, images in self.images(path).items():
                yield from ((f"{kind}/{name}", content) for name, content in images.items())

        return content_digest(members) == self.content


def _decoded(images: dict[str, bytes], size: int, channels: int) -> Tensor:
    decoded = [decode(io.BytesIO(raw), name, size, channels) for name, raw in images.items()]
    return torch.from_numpy(np.ascontiguousarray(np.stack(decoded)))


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the image files in an archive."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as stream:
            yield from _tarred(stream)
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.lower().endswith(SUFFIXES):
                yield name, archive.read(name)
            elif name.endswith(".tar.gz"):
                with archive.open(name) as stream:
                    yield from _tarred(stream)


def _tarred(stream: object) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=stream, mode="r|*") as archive:  # type: ignore[call-overload]
        for member in archive:
            if member.isfile() and member.name.lower().endswith(SUFFIXES) and (content := archive.extractfile(member)):
                yield member.name, content.read()
