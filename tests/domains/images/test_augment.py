"""Altered training images: what each change does, whose randomness it is, and that only training sees it."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
import torch
from torch import Tensor

from fewsight.domains import ClassDomain, Episodes, ImageFormat
from fewsight.domains.classes import Classes
from fewsight.domains.images.augment import KINDS, Altered


def images(size: int = 6, channels: int = 3, side: int = 9) -> Tensor:
    return torch.rand(size, channels, side, side, generator=torch.Generator().manual_seed(0))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_without_any_change_images_stay_or_are_mirrored() -> None:
    x = images(40)
    found = Altered(tilt=0, zoom=1, light=0)(x, rng())
    kept = torch.isclose(found, x, atol=1e-5).flatten(1).all(1)
    mirrored = torch.isclose(found, x.flip(-1), atol=1e-5).flatten(1).all(1)
    assert (kept ^ mirrored).all()
    assert kept.any()
    assert mirrored.any()


def test_a_turn_keeps_what_is_round_and_its_place() -> None:
    """A disc in the middle looks the same however it is turned; a bar does not."""
    place = torch.linspace(-1, 1, 33)
    y, x = torch.meshgrid(place, place, indexing="ij")
    disc = torch.exp(-8 * (x**2 + y**2)).expand(20, 1, 33, 33)
    bar = torch.exp(-30 * y**2).expand(20, 1, 33, 33)
    turn = Altered(tilt=pi, zoom=1, light=0)
    assert (turn(disc, rng()) - disc).abs().max() < 0.02
    assert (turn(bar, rng()) - bar).abs().amax((1, 2, 3)).max() > 0.5


def test_a_cut_out_part_shows_no_colour_that_was_not_there() -> None:
    x = images(30)
    found = Altered(tilt=pi, zoom=0.5, light=0)(x, rng())
    assert (found.amax((-2, -1)) <= x.amax((-2, -1)) + 1e-5).all()
    assert (found.amin((-2, -1)) >= x.amin((-2, -1)) - 1e-5).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_light_changes_within_its_bounds(channels: int) -> None:
    flat = torch.full((500, channels, 4, 4), 0.4)
    found = Altered(tilt=0, zoom=1, light=0.2)(flat, rng())
    assert (found - found[..., :1, :1]).abs().max() < 1e-6  # what is flat stays flat
    share = found[..., 0, 0] / 0.4
    low, high = (0.8, 1.2) if channels == 1 else (0.64, 1.44)
    assert low - 1e-5 <= share.min() < low + 0.05
    assert high - 0.06 < share.max() <= high + 1e-5
    if channels == 3:
        assert (share[:, 0] - share[:, 1]).abs().max() > 0.1


@pytest.mark.parametrize("kind", ["upright", "turned"])
def test_each_image_is_altered_in_its_own_way_and_stays_an_image(kind: str) -> None:
    altered = KINDS[kind]
    assert altered is not None
    found = altered(images()[:1].expand(8, -1, -1, -1), rng())
    assert found.min() >= 0
    assert found.max() <= 1
    assert len({tuple(image.flatten().tolist()) for image in found}) == 8
    assert torch.equal(found, altered(images()[:1].expand(8, -1, -1, -1), rng()))
    assert not torch.equal(found, altered(images()[:1].expand(8, -1, -1, -1), rng(1)))


def test_only_training_tasks_are_altered_and_always_alike() -> None:
    stored = (images(20) * 255).to(torch.uint8).view(4, 5, 3, 9, 9)
    classes = Classes(("a", "b", "c", "d"), stored)
    domain = ClassDomain("made", ImageFormat(9, 3), {"train": classes, "val": classes}, augment=KINDS["upright"])
    known = {tuple(image.tolist()) for image in stored.flatten(0, 1).flatten(1)}

    def of_the_domain(x: Tensor) -> list[bool]:
        return [tuple(image.tolist()) in known for image in (x * 255).round().to(torch.uint8).flatten(1)]

    train, val = (Episodes(domain.family(split, ways=2, shots=1, queries=2), 0, split) for split in ("train", "val"))
    assert all(of_the_domain(val[0].support.x) + of_the_domain(val[0].query))
    assert not any(of_the_domain(train[0].support.x) + of_the_domain(train[0].query))
    assert torch.equal(train[5].query, train[5].query)
    assert torch.equal(torch.cat(list(domain.inputs("train"))), stored.flatten(0, 1) / 255)
