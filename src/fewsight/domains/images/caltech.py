"""What is Caltech-101 here? 74 kinds of objects in colour photographs, 20 of each; 45 kinds are for training.

Of the published set (Fei-Fei, Fergus, Perona 2004) the background class, the faces and the classes too small or odd are
left out, and of each class the first 20 files by name are used. There is no published few-shot split: in ours (45, 14
and 15 classes to train, validate and test) those that look alike, as the two chairs, are on one side. That is little to
train on: figures compare methods with each other, not with those on larger sets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from fewsight.domains.classes import Classes
from fewsight.domains.domain import ClassDomain
from fewsight.domains.images.archive import Published
from fewsight.domains.images.augment import KINDS, Kind
from fewsight.domains.images.format import ImageFormat

IMAGES = 20
_NAMES = {
    "train": (
        "Motorbikes accordion airplanes anchor beaver bonsai brain camera cannon ceiling_fan cougar_body "
        "cougar_face crab crayfish dollar_bill dragonfly electric_guitar ewer ferry garfield hawksbill "
        "headphone hedgehog joshua_tree ketch lamp lobster lotus mayfly nautilus octopus pigeon platypus "
        "pyramid saxophone schooner scorpion stapler starfish stegosaurus tick umbrella watch wrench yin_yang"
    ),
    "val": (
        "barrel brontosaurus cellphone cup elephant gerenuk ibis laptop menorah pagoda revolver sea_horse "
        "strawberry water_lilly"
    ),
    "test": (
        "bass butterfly chair dalmatian euphonium gramophone inline_skate llama metronome panda rooster "
        "snoopy sunflower wild_cat windsor_chair"
    ),
}
SPLIT = {split: tuple(names.split()) for split, names in _NAMES.items()}
"""Ours: groups of look-alike classes were kept together and dealt 3 : 1 : 1."""
_RECORD = "https://data.caltech.edu/records/mzrjq-6wc02"
CALTECH = Published(
    "caltech101",
    (
        (
            "caltech-101.zip",
            f"{_RECORD}/files/caltech-101.zip",
            "sha256:331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91",
        ),
        (
            "101_ObjectCategories_subset.zip",
            _RECORD,
            "sha256:e57e7a880dbb0d939f7e5cc9a9f5183cc98354a4cf91b32748d92870433c053e",
        ),
    ),
    folder="101_ObjectCategories",
    content="0c392c960524cb7623804fc2e862a04bc6b60cfb1423df1cf20533a3e235f14a",
    classes=frozenset(name for names in SPLIT.values() for name in names),
    choose=lambda names: names[:IMAGES],
)


def open_caltech(
    data: Path | None = None,
    *,
    size: Annotated[int, Field(ge=8)] = 84,
    channels: Literal[1, 3] = 3,
    rotations: bool = False,
    augment: Kind = "none",
) -> ClassDomain:
    """Caltech-101's subset in splits "train", "val" and "test".

    Args:
        data: the data directory; see `datadir`.
        size, channels: images are padded to squares of `size` pixels, 1 (grey) or 3 (RGB) channels.
        rotations: training classes turned by 90, 180 and 270 degrees are classes of their own (180 in all).
        augment: how training images are altered whenever they are drawn; see `augment.KINDS`.

    Raises:
        DataError: the archive is corrupt, or absent and not to be had.
    """
    images = CALTECH.load(size, channels, data)
    turns = {split: 4 if rotations and split == "train" else 1 for split in SPLIT}
    classes = {split: _turned({name: images[name] for name in names}, turns[split]) for split, names in SPLIT.items()}
    return ClassDomain("caltech101", ImageFormat(size, channels), classes, augment=KINDS[augment])


def _turned(images: dict[str, Tensor], turns: int) -> Classes:
    """Classes and their first `turns` rotations by quarters."""
    names = [f"{name}/rot{90 * turn:03}" if turn else name for name in images for turn in range(turns)]
    turned = [torch.rot90(each, turn, (-2, -1)) for each in images.values() for turn in range(turns)]
    return Classes(tuple(names), torch.stack(turned))
