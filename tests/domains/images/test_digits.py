"""The embedded digits: class-disjoint, made from the right images, and in need of meta-learning."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from fewsight.domains import Episodes, open_domain
from fewsight.domains.domain import ClassDomain


@pytest.fixture(scope="module")
def digits() -> ClassDomain:
    domain = open_domain("digits")
    assert isinstance(domain, ClassDomain)
    return domain


def test_test_classes_are_the_digits_five_to_nine_and_training_knows_none_of_them(digits: ClassDomain) -> None:
    names = {split: set(classes.names) for split, classes in digits.classes.items()}
    assert names["test"] == set("56789")
    assert len(names["train"]) == 352
    assert len(names["val"]) == 88
    assert not names["train"] & names["val"]
    used = {part[0] for name in names["train"] | names["val"] for part in name.split("/")}
    assert used == set("01234")


def test_every_image_of_the_held_out_digits_is_served_once(digits: ClassDomain) -> None:
    counts = np.bincount(load_digits().target)[5:]
    assert [len(images) for images in digits.classes["test"].inputs] == counts.tolist()


def test_strokes_are_bright_on_a_dark_canvas_and_nothing_is_cut_off(digits: ClassDomain) -> None:
    """Drawing keeps the ink: its amount, scaled by the area of a pixel, is that of the 8x8 original."""
    originals = torch.from_numpy(load_digits().images[load_digits().target == 7]).float() / 16
    drawn = digits.classes["test"].inputs[2].float() / 255
    assert drawn.shape[1:] == digits.input_shape
    ratio = drawn.sum((1, 2, 3)) / originals.sum((1, 2)) / (13 / 8) ** 2
    assert abs(ratio.mean().item() - 1) < 0.05
    assert ratio.min() > np.exp(-0.2) * 0.9
    assert ratio.max() < np.exp(0.2) * 1.1


def test_a_joined_class_is_one_turned_digit_above_another(digits: ClassDomain) -> None:
    """The mean upper half of a joined class looks like the upper half of its upper part, more than of most others."""
    mean = {
        name: images.float().mean((0, 1))
        for split in ("train", "val")
        for name, images in zip(digits.classes[split].names, digits.classes[split].inputs, strict=True)
    }

    def likeness(one: torch.Tensor, other: torch.Tensor) -> float:
        return torch.corrcoef(torch.stack([one.reshape(-1), other.reshape(-1)]))[0, 1].item()

    whole = [name for name in mean if "/" not in name]
    assert len(whole) == 40
    ranks = []
    for name in [name for name in mean if "/" in name][:60]:
        upper, lower = name.split("/")
        for part, rows in ((upper, slice(0, 7)), (lower, slice(9, 16))):
            own = likeness(mean[name][rows], mean[part][rows])
            ranks.append(sum(likeness(mean[name][rows], mean[other][rows]) > own for other in whole))
    assert np.mean(ranks) < 3  # of 40; chance is 20


def test_the_same_on_every_opening(digits: ClassDomain) -> None:
    assert open_domain("digits").fingerprint == digits.fingerprint


def test_comparing_pixels_does_not_answer_it(digits: ClassDomain) -> None:
    """Nearest neighbour on raw pixels, 5-way 1-shot: above chance (20 %), far from solved."""
    hits = []
    for task in Episodes(digits.family("test", ways=5, shots=1, queries=10), 0, "test").batch(0, 100):
        nearest = torch.cdist(task.query.flatten(1), task.support.x.flatten(1)).argmin(1)
        hits.append((task.support.y[nearest] == task.target).float().mean().item())
    assert 0.3 < np.mean(hits) < 0.55
