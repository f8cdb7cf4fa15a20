"""What are the blood cells? 351 white blood cells cut out of stained smears, of five kinds, from 207 down to 3 images.

Nothing is trained on them: they are what an encoder meta-trained elsewhere meets. Kinds are as frequent as in blood, so
balanced accuracy comes first. A task takes the kinds that have more images than shots (at 5 shots not the basophils, of
which there are 3) and asks as many queries as a kind has left.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fewsight.domains.classes import Classes
from fewsight.domains.domain import ClassDomain
from fewsight.domains.images.archive import Published
from fewsight.domains.images.format import ImageFormat

_COMMIT = "7751031e0b41"
BCCD = Published(
    "bccd_wbc",
    (
        (
            "BCCD_cropped.zip",
            f"https://github.com/apple2373/BCCD/archive/{_COMMIT}.zip",
            "sha256:ca177a6cb108b009be447824549696e6768efc81664535848ce46d79ae06b11f",
        ),
    ),
    folder="BCCD_cropped",
    content="6915aab18b1e9e1b1eee472892ee44ec2410db281d579f6ed2681215db31ce9e",
)


def open_bccd(
    data: Path | None = None, *, size: Annotated[int, Field(ge=8)] = 84, channels: Literal[1, 3] = 3
) -> ClassDomain:
    """The blood cells, all in split "test".

    Args:
        data: the data directory; see `datadir`.
        size, channels: images are squares of `size` pixels, 1 (grey) or 3 (RGB) channels.

    Raises:
        DataError: the archive is corrupt, or absent and not to be had.
    """
    images = BCCD.load(size, channels, data)
    classes = Classes(tuple(images), list(images.values()))
    return ClassDomain(
        "bccd",
        ImageFormat(size, channels),
        {"test": classes},
        metrics=("balanced accuracy", "accuracy"),
        uneven=True,
    )
