"""Few-shot image tasks: the right classes, no image in both support and query, floats of the same bytes."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from fewsight.domains.classes import Classes, ClassTasks
from fewsight.domains.domain import ClassDomain
from fewsight.domains.episodes import Episodes, generator
from fewsight.domains.images.format import ImageFormat
from fewsight.errors import DataError, RecipeError

SIZES = (5, 7, 6, 9)


@pytest.fixture
def classes() -> Classes:
    """Class c's image i is filled with the byte 20 c + i, so every image says what it is."""
    images = [
        torch.stack([torch.full((1, 2, 3), 20 * c + i, dtype=torch.uint8) for i in range(n)])
        for c, n in enumerate(SIZES)
    ]
    return Classes(tuple("abcd"), images)


def tasks_of(classes: Classes, ways: int, shots: int, queries: int) -> ClassTasks:
    return ClassTasks(classes, ways, shots, queries, ImageFormat().ready)


def identity(images: torch.Tensor) -> list[tuple[int, int]]:
    """(class, number) of each image, from its fill."""
    assert (images == images[:, :1, :1, :1]).all()
    return [divmod(round(255 * image[0, 0, 0].item()), 20) for image in images]


def test_task_has_the_asked_shape_and_truthful_labels(classes: Classes) -> None:
    for task in Episodes(tasks_of(classes, 3, 2, 3), 0, "train").batch(0, 20):
        support, labels = task.support, task.support.labels
        assert labels is not None
        assert support.x.dtype == torch.float32
        assert support.x.shape == (6, 1, 2, 3)
        assert task.query.shape == (9, 1, 2, 3)
        assert support.y.tolist() == [0, 0, 1, 1, 2, 2]
        assert task.target.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        given, asked = identity(support.x), identity(task.query)
        assert ["abcd"[c] for c, _ in given] == [labels[y] for y in support.y]
        assert ["abcd"[c] for c, _ in asked] == [labels[y] for y in task.target]
        assert len({*given, *asked}) == 15  # no image twice
        assert task.name == ", ".join(map(str, labels))


def test_floats_are_the_bytes_over_255(classes: Classes) -> None:
    task = tasks_of(classes, 4, 1, 1).draw(generator(0, "x"))
    assert torch.equal(task.support.x * 255, (task.support.x * 255).round())
    assert task.support.x.max() <= 69 / 255


def test_every_class_position_and_image_is_drawn_equally_often(classes: Classes) -> None:
    """Chi-square of uniform draws: the 99.9 % quantiles for 3 and 4 degrees of freedom are 16.3 and 18.5."""
    tasks = Episodes(tasks_of(classes, 2, 1, 1), 0, "train").batch(0, 1000)
    first = Counter(task.support.labels[0] for task in tasks if task.support.labels)
    assert sum((first[name] - 250) ** 2 / 250 for name in "abcd") < 16.3
    images = Counter(i for task in tasks for c, i in identity(task.support.x) if c == 0)
    expected = sum(images.values()) / SIZES[0]
    assert sum((images[i] - expected) ** 2 / expected for i in range(SIZES[0])) < 18.5


def test_one_tensor_or_a_list_of_tensors_are_the_same(classes: Classes) -> None:
    same = [images[:5] for images in classes.inputs]
    stacked, listed = Classes(classes.names, torch.stack(same)), Classes(classes.names, same)
    one, other = (tasks_of(c, 3, 1, 2).draw(generator(1, "x")) for c in (stacked, listed))
    assert torch.equal(one.support.x, other.support.x)
    assert one.support.labels == other.support.labels
    assert stacked.digest() == listed.digest()


def test_too_few_classes_or_images_are_named(classes: Classes) -> None:
    domain = ClassDomain("mine", ImageFormat(), {"train": classes})
    with pytest.raises(DataError, match=r"mine, split 'train': 5 ways need 5 classes, but there are 4"):
        domain.family("train", ways=5, shots=1, queries=1)
    with pytest.raises(DataError, match=r"class 'a' has 5 examples, but 4 shots and 2 queries need 6"):
        domain.family("train", ways=2, shots=4, queries=2)


def test_impossible_numbers_and_splits_are_refused(classes: Classes) -> None:
    domain = ClassDomain("mine", ImageFormat(), {"train": classes, "test": classes})
    for numbers in ({"ways": 0}, {"shots": 0}, {"queries": -1}):
        with pytest.raises(RecipeError, match=f"{next(iter(numbers))} must be at least 1"):
            domain.family("train", **{"ways": 2, "shots": 1, "queries": 1, **numbers})
    with pytest.raises(RecipeError, match=r"no split 'tset'; did you mean 'test'"):
        domain.family("tset", ways=2, shots=1, queries=1)


def test_fingerprint_changes_with_pixels_names_splits_and_format(classes: Classes) -> None:
    def fingerprint(classes: Classes = classes, split: str = "train", strokes: bool = False) -> str:
        return ClassDomain("mine", ImageFormat(strokes=strokes), {split: classes}).fingerprint

    brighter = [images.clone() for images in classes.inputs]
    brighter[2][0, 0, 0, 0] += 1
    others = {
        fingerprint(Classes(classes.names, brighter)),
        fingerprint(Classes(tuple("abce"), classes.inputs)),
        fingerprint(split="test"),
        fingerprint(strokes=True),
    }
    assert len(others | {fingerprint()}) == 5
    assert fingerprint() == fingerprint(Classes(classes.names, [images.clone() for images in classes.inputs]))
