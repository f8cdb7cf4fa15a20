"""How can everything be tried without a download? On scikit-learn's embedded handwritten digits, split by digit.

1,797 images of 8x8 pixels. Digits 0-4 are for training, 5-9 for testing: the test classes are whole, upright digits,
and no image of them was seen in training. Five classes are too few to meta-learn from, so training classes are made
from digits 0-4:

- *turned* (40): a digit rotated by a multiple of 90 degrees, mirrored or not;
- *joined* (400 of 1,560 pairs): the upper half of one turned digit above the lower half of another.

Every fifth made class is kept for validation. It shares writers and digits with training, so validation accuracy is the
higher; only the test digits are new. Some made classes look alike (a turned 0 is a 0), which bounds accuracy on both.

As they come, the images are centred and scaled, and comparing pixels is hard to beat. Here each is drawn onto a canvas
of 16x16 at a random place, tilt and size, as handwriting is: in all splits, decided once.
"""

from __future__ import annotations

from itertools import permutations, product
from math import radians
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fewsight.domains.classes import Classes
from fewsight.domains.domain import ClassDomain
from fewsight.domains.episodes import generator
from fewsight.domains.images.format import ImageFormat

FORMAT = ImageFormat(size=16, channels=1, strokes=True)
TRAINING = (0, 1, 2, 3, 4)
TESTING = (5, 6, 7, 8, 9)
JOINED = 400
EXAMPLES = 80
"""Images of a made class."""
BODY = 13
"""Width of a digit on the canvas, in pixels; it wanders as far as it stays on the canvas."""
TILT = radians(12)
STRETCH = 0.1
"""Bounds of the random rotation and of the logarithm of the random size."""


def open_digits(data: Path | None = None) -> ClassDomain:
    """The digits in splits "train" (352 made classes), "val" (88 made classes) and "test" (digits 5 to 9)."""
    digits = _load()
    rng = generator(0, "digits")
    made = _made_classes({digit: digits[digit] for digit in TRAINING}, rng)
    names = rng.permutation(list(made)).tolist()
    splits = {
        "train": {name: made[name] for place, name in enumerate(names) if place % 5},
        "val": {name: made[name] for name in names[::5]},
        "test": {str(digit): digits[digit] for digit in TESTING},
    }
    return ClassDomain("digits", FORMAT, {split: _drawn(images, rng) for split, images in splits.items()})


def _load() -> dict[int, np.ndarray]:
    """Images `(n, 8, 8)` of each digit, float32 in [0, 1]."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images / 16).astype(np.float32)
    return {digit: images[bunch.target == digit] for digit in range(10)}


def _made_classes(digits: dict[int, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Turned and joined classes by name, `(EXAMPLES, 8, 8)` each."""
    turns = list(product(digits, (False, True), range(4)))

    def turned(turn: tuple[int, bool, int]) -> np.ndarray:
        digit, mirrored, quarters = turn
        images = np.rot90(rng.permutation(digits[digit])[:EXAMPLES], quarters, (-2, -1))
        return images[..., ::-1] if mirrored else images

    def name(turn: tuple[int, bool, int]) -> str:
        digit, mirrored, quarters = turn
        return f"{digit}{'m' if mirrored else 'r'}{90 * quarters:03}"

    made = {name(turn): turned(turn) for turn in turns}
    pairs = list(permutations(turns, 2))
    for upper, lower in (pairs[index] for index in rng.choice(len(pairs), JOINED, replace=False)):
        made[f"{name(upper)}/{name(lower)}"] = np.concatenate([turned(upper)[:, :4], turned(lower)[:, 4:]], axis=1)
    return made


def _drawn(classes: dict[str, np.ndarray], rng: np.random.Generator) -> Classes:
    """Each `(n, 8, 8)` image on the canvas at its own place, as `(n, 1, size, size)` uint8."""
    images = np.concatenate(list(classes.values()))
    tilt = rng.uniform(-TILT, TILT, len(images))
    zoom = FORMAT.size / BODY * np.exp(rng.uniform(-STRETCH, STRETCH, len(images)))
    shift = rng.uniform(-1, 1, (len(images), 2)) * (zoom[:, None] - 1).clip(min=0)
    # Where each pixel of the canvas looks in the image, in units of half an image: (zoom * rotation) canvas + shift.
    cosine, sine = zoom * np.cos(tilt), zoom * np.sin(tilt)
    affine = np.stack([np.stack([cosine, -sine, shift[:, 0]], -1), np.stack([sine, cosine, shift[:, 1]], -1)], 1)
    canvas = (len(images), 1, FORMAT.size, FORMAT.size)
    grid = F.affine_grid(torch.from_numpy(affine).float(), list(canvas), align_corners=False)
    drawn = F.grid_sample(torch.from_numpy(images)[:, None], grid, mode="bilinear", align_corners=False)
    return Classes(tuple(classes), _as_bytes(drawn).split([len(each) for each in classes.values()]))


def _as_bytes(images: Tensor) -> Tensor:
    return (images * 255).round().to(torch.uint8)
