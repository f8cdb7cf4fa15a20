"""How can everything be tried without a download? On scikit-learn's embedded handwritten digits, split by digit.

1,797 images of 8x8 pixels. Digits 0-4 are for training, 5-9 for testing: the test classes are whole, upright digits of
which no pixel was ever seen in training. Five classes are too few to learn from, so training classes are made from
digits 0-4, each image of a class from other writers' images:

- *turned*: a digit rotated by a multiple of 90 degrees, and mirrored or not (40 classes);
- *joined*: the upper half of one turned digit above the lower half of another (1,560 pairs).

A tenth of the made classes, chosen once and for all, is the validation split. A few made classes look alike (a turned 0
is a 0), which costs training a little and testing nothing.
"""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fewsight.domains.episodes import generator
from fewsight.domains.images import ImageClasses, ImageDomain, ImageFormat

FORMAT = ImageFormat(size=16, channels=1, strokes=True)
TRAINING = (0, 1, 2, 3, 4)
TESTING = (5, 6, 7, 8, 9)
JOINED = 600
"""How many of the possible joined classes are made."""
EXAMPLES = 100
"""Images of a made class."""


def open_digits(data: Path | None = None) -> ImageDomain:
    """The digits in splits "train" (576 made classes), "val" (64 made classes) and "test" (digits 5 to 9)."""
    digits = _load()
    rng = generator(0, "digits")
    turned = {
        f"{digit}{'m' if mirrored else 'r'}{90 * quarter:03}": _turn(digits[digit], quarter, mirrored)
        for digit, mirrored, quarter in product(TRAINING, (False, True), range(4))
    }
    pairs = list(permutations(turned, 2))
    joined = [pairs[index] for index in rng.choice(len(pairs), JOINED, replace=False)]
    made = {name: _some(images, rng) for name, images in turned.items()}
    for upper, lower in joined:
        made[f"{upper}/{lower}"] = _join(_some(turned[upper], rng), _some(turned[lower], rng))
    names = list(made)
    order = rng.permutation(len(names))
    held = len(names) // 10
    split = {"val": [names[i] for i in order[:held]], "train": [names[i] for i in order[held:]]}
    return ImageDomain(
        "digits",
        FORMAT,
        {
            "train": _classes({name: made[name] for name in split["train"]}),
            "val": _classes({name: made[name] for name in split["val"]}),
            "test": _classes({str(digit): digits[digit] for digit in TESTING}),
        },
    )


def _load() -> dict[int, Tensor]:
    """Images `(n, 8, 8)` of each digit, float32 in [0, 1]."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = torch.from_numpy(bunch.images).to(torch.float32) / 16
    return {digit: images[torch.from_numpy(bunch.target == digit)] for digit in range(10)}


def _some(images: Tensor, rng: np.random.Generator) -> Tensor:
    return images[torch.from_numpy(rng.permutation(len(images))[:EXAMPLES])]


def _turn(images: Tensor, quarter: int, mirrored: bool) -> Tensor:
    turned = torch.rot90(images, quarter, (-2, -1))
    return turned.flip(-1) if mirrored else turned


def _join(upper: Tensor, lower: Tensor) -> Tensor:
    half = upper.shape[-2] // 2
    return torch.cat([upper[:, :half], lower[:, half:]], dim=-2)


def _classes(images: dict[str, Tensor]) -> ImageClasses:
    return ImageClasses(tuple(images), [_as_bytes(each) for each in images.values()])


def _as_bytes(images: Tensor) -> Tensor:
    """`(n, 8, 8)` in [0, 1] to `(n, 1, size, size)` uint8."""
    large = F.interpolate(images[:, None], size=(FORMAT.size, FORMAT.size), mode="bicubic", align_corners=False)
    return (large.clamp(0, 1) * 255).round().to(torch.uint8)
