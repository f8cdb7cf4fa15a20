"""What is MedNIST here? Six kinds of medical images, 200 of each: three to train, three to test.

Abdomen CT, breast MRI and chest X-ray are for training; chest CT, hand X-ray and head CT for testing. The kinds differ
at first sight, so accuracy is near its ceiling: it is a trial of the way from files to figures, not a claim. Made
available by Dr. Bradley J. Erickson, Department of Radiology, Mayo Clinic.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field

from fewsight.domains.classes import Classes
from fewsight.domains.domain import ClassDomain
from fewsight.domains.images.archive import Published
from fewsight.domains.images.augment import KINDS, Kind
from fewsight.domains.images.format import ImageFormat

IMAGES = 200
SPLIT = {"train": ("AbdomenCT", "BreastMRI", "CXR"), "test": ("ChestCT", "Hand", "HeadCT")}
_RELEASE = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/MedNIST.tar.gz"


def _spread(names: Sequence[str]) -> list[str]:
    """200 of a class, far apart: neighbours are slices of one scan."""
    return [names[place * len(names) // IMAGES] for place in range(IMAGES)]


MEDNIST = Published(
    "mednist",
    (
        ("MedNIST.tar.gz", _RELEASE, "md5:0bc7306e7427e00ad1c5526a6677552d"),
        (
            "MedNIST_subset.zip",
            _RELEASE,
            "sha256:80d81b09fa43bceb84ae37b9ec980cc21c716260f60cfc7e3e84d3cf47d41037",
        ),
    ),
    folder="MedNIST",
    content="cdff5f01d6c34c4ace57dc9c46f10b6b0e5b9345d3aaaff0faa4c2dac680b8e0",
    choose=_spread,
)


def open_mednist(
    data: Path | None = None,
    *,
    size: Annotated[int, Field(ge=8)] = 64,
    channels: Literal[1, 3] = 1,
    augment: Kind = "none",
) -> ClassDomain:
    """MedNIST in splits "train" and "test".

    Args:
        data: the data directory; see `datadir`.
        size, channels: images are squares of `size` pixels, 1 (grey) or 3 (RGB) channels.
        augment: how training images are altered whenever they are drawn; see `augment.KINDS`.

    Raises:
        DataError: the archive is corrupt, or absent and not to be had.
    """
    images = MEDNIST.load(size, channels, data)
    classes = {split: Classes(names, torch.stack([images[name] for name in names])) for split, names in SPLIT.items()}
    return ClassDomain("mednist", ImageFormat(size, channels), classes, augment=KINDS[augment])
