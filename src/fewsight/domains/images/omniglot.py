"""What is Omniglot here? 1,623 handwritten characters, 20 drawers each, in the split of Vinyals et al. 2016.

Images of 105x105 are reduced to 28x28 with Pillow's Lanczos filter, as MAML's code does, and inverted, so that strokes
are 1 on 0. The split lists (of the Prototypical Networks code) name 1,028 training, 172 validation and 423 test
characters, each with its rotations by 0, 90, 180 and 270 degrees counter-clockwise as classes of their own.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fewsight.domains.cache import cached
from fewsight.domains.classes import Classes
from fewsight.domains.datadir import DataFile, content_digest, fetch, file_digest
from fewsight.domains.domain import ClassDomain
from fewsight.domains.images.format import ImageFormat

FORMAT = ImageFormat(size=28, channels=1, strokes=True)
SPLITS = ("train", "val", "test")
CONTENT = {
    "images_background.zip": "7c563fb7d98dbd312c5e0ccb87230ca9d7e8a13d672e5de6186245e7905ed43e",
    "images_evaluation.zip": "e5a69b751aa33f555bdc92febd48220b69a811b2ff01de32bf4d1bca47bd1809",
}
"""sha256 over the lines `name NUL sha256(png) LF`, sorted by name: it knows an archive that was packed anew."""
_IMAGES = "https://github.com/brendenlake/omniglot/raw/master/python/"
_LISTS = "https://raw.githubusercontent.com/jakesnell/prototypical-networks/master/data/omniglot/"


def same_content(path: Path, expected: str) -> bool:
    """Whether the zip archive holds exactly the published images."""

    def members() -> Iterator[tuple[str, bytes]]:
        with zipfile.ZipFile(path) as archive:
            yield from ((name, archive.read(name)) for name in _image_names(archive))

    return content_digest(members) == expected


def _archive(name: str, md5: str) -> DataFile:
    return DataFile("omniglot", name, _IMAGES + name, f"md5:{md5}", lambda path: same_content(path, CONTENT[name]))


def _list(split: str, sha256: str) -> DataFile:
    name = f"splits/vinyals/{split}.txt"
    return DataFile("omniglot", name, _LISTS + name, f"sha256:{sha256}")


ARCHIVES = (
    _archive("images_background.zip", "68d2efa1b9178cc56df9314c21c6e718"),
    _archive("images_evaluation.zip", "6b91aef0f799c5bb55b94e3f2daec811"),
)
LISTS = (
    _list("train", "984522c194c30fb678ce53304a160a42faf5403ad4f9a67010f32dd3a35738e0"),
    _list("val", "11f99e54faee3e26f53d3231c1cceac5bf7b8730e9be31cb6dab256551dc0c1a"),
    _list("test", "845264cc5c156180828ccf17915668b17ee21424d0170df6e7d81676aa5d1204"),
)


def open_omniglot(data: Path | None = None, *, rotations: bool = True) -> ClassDomain:
    """Omniglot in Vinyals' split.

    Args:
        data: the data directory; see `datadir`.
        rotations: count the rotations of a character as classes of their own, in every split (4,112 / 688 / 1,692
            classes), as Matching and Prototypical Networks do; else only the upright ones (1,028 / 172 / 423).

    Raises:
        DataError: a file is corrupt, or absent and not to be had.
    """
    # The cache is named after the archives' bytes and written only once they were verified: finding it is the proof.
    paths = fetch((*ARCHIVES, *LISTS), data, unverified=ARCHIVES)
    archives, lists = paths[: len(ARCHIVES)], paths[len(ARCHIVES) :]
    key = hashlib.sha256("".join(map(file_digest, archives)).encode()).hexdigest()[:24]
    characters = cached(f"omniglot-{FORMAT.size}-lanczos-{key}", lambda: _decode(archives))
    classes = {split: _classes(path, characters, rotations) for split, path in zip(SPLITS, lists, strict=True)}
    return ClassDomain("omniglot", FORMAT, classes)


def _classes(listed: Path, characters: dict[str, Tensor], rotations: bool) -> Classes:
    names, images = [], []
    for name in listed.read_text().split():
        character, rotation = name.rsplit("/rot", 1)
        if rotations or rotation == "000":
            names.append(name)
            images.append(torch.rot90(characters[character], int(rotation) // 90, (-2, -1)))
    return Classes(tuple(names), torch.stack(images))


def _image_names(archive: zipfile.ZipFile) -> list[str]:
    return sorted(name for name in archive.namelist() if name.endswith(".png"))


def _decode(archives: list[Path]) -> dict[str, Tensor]:
    """Characters "alphabet/character01" as `(20, 1, 28, 28)` uint8, drawers in order."""
    from rich.console import Console
    from rich.progress import track

    for file, path in zip(ARCHIVES, archives, strict=True):
        file.verify(path)
    images: dict[str, list[np.ndarray]] = {}
    for path in archives:
        with zipfile.ZipFile(path) as archive:
            names = _image_names(archive)
            for name in track(names, f"decoding {path.name}, once", console=Console(stderr=True)):
                with Image.open(io.BytesIO(archive.read(name))) as image:
                    small = image.convert("L").resize((FORMAT.size, FORMAT.size), Image.Resampling.LANCZOS)
                images.setdefault("/".join(name.split("/")[1:3]), []).append(255 - np.asarray(small))
    return {name: torch.from_numpy(np.stack(drawn))[:, None] for name, drawn in images.items()}
