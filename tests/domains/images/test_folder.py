"""A user's folder of images: as a support set, as queries, as a domain."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fewsight.domains import Episodes, Examples, open_domain, read_format
from fewsight.domains.domain import ClassDomain
from fewsight.domains.images.folder import read_query, read_support
from fewsight.errors import DataError, RecipeError
from fewsight.picture import Picture

SIZE = 8


def draw(path: Path, seed: int = 0, light: bool = True) -> np.ndarray:
    """Writes a drawing, a random blob on a border of 0 (light strokes) or 255; returns it as light strokes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    strokes = np.zeros((SIZE, SIZE), dtype=np.uint8)
    strokes[1:-1, 1:-1] = np.random.default_rng(seed).integers(1, 256, (SIZE - 2, SIZE - 2))
    Image.fromarray(strokes if light else 255 - strokes).save(path)
    return strokes


def pixels(found: Examples) -> np.ndarray:
    """The pictures people are shown, `(n, size, size)`."""
    return np.stack([view.pixels for view in found.views if isinstance(view, Picture)])


def test_support_is_ordered_by_class_and_file_and_labelled_by_folder(tmp_path: Path) -> None:
    drawn = {
        name: draw(tmp_path / name, seed)
        for seed, name in enumerate(["cat/2.png", "cat/1.png", "ant/x.png", "ant/deeper/y.png", "bee/z.png"])
    }
    support, images = read_support(tmp_path, SIZE, 1)
    assert images.names == ("ant/deeper/y.png", "ant/x.png", "bee/z.png", "cat/1.png", "cat/2.png")
    assert support.labels == ("ant", "bee", "cat")
    assert support.y.tolist() == [0, 0, 1, 2, 2]
    assert np.array_equal(pixels(images), np.stack([drawn[name] for name in images.names]))
    assert torch.equal(support.x[:, 0], torch.from_numpy(pixels(images)).float() / 255)
    assert images.notes == ()


def test_litter_is_ignored_links_are_followed_and_case_tells_classes_apart(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    draw(elsewhere / "one.png", 1)
    support = tmp_path / "support"
    draw(support / "A" / "1.png", 2)
    draw(support / "a" / "1.png", 3)
    for litter in (".DS_Store", "A/Thumbs.db", "A/.hidden.png", "a/desktop.ini", "__MACOSX/a.png", ".git/x"):
        (support / litter).parent.mkdir(exist_ok=True)
        (support / litter).write_text("litter")
    (support / "linked").symlink_to(elsewhere)
    (support / "a" / "2.png").symlink_to(elsewhere / "one.png")
    (support / "a" / "round").symlink_to(support / "a")  # leads back up: followed, it would never end
    found, images = read_support(support, SIZE, 1)
    assert found.labels == ("A", "a", "linked")
    assert images.names == ("A/1.png", "a/1.png", "a/2.png", "linked/one.png")


def test_what_is_wrong_with_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    def refused(match: str, path: Path) -> None:
        with pytest.raises(DataError, match=match) as caught:
            read_support(tmp_path / "s", SIZE, 1)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    folder = tmp_path / "s"
    refused("does not exist: give a folder", folder)
    folder.mkdir()
    refused("holds no class folders", folder)
    draw(folder / "cat/1.png")
    refused(r"one class only \('cat'\)", folder)
    (folder / "dog").mkdir()
    refused("holds no images", folder / "dog")
    (folder / "dog/notes.txt").write_text("woof")
    refused("is not an image", folder / "dog/notes.txt")
    (folder / "dog/notes.txt").unlink()
    draw(folder / "dog/1.png")
    assert read_support(folder, SIZE, 1)[0].ways == 2
    draw(folder / "stray.png")
    refused("outside the class folders", folder / "stray.png")
    with pytest.raises(DataError, match=r"1\.png is a file: give a folder"):
        read_support(folder / "cat/1.png", SIZE, 1)


def test_query_is_one_file_or_all_images_of_a_folder(tmp_path: Path) -> None:
    first, second = draw(tmp_path / "b.png", 1), draw(tmp_path / "in/a.png", 2)
    one = read_query(tmp_path / "b.png", SIZE, 1)
    assert one.names == ("b.png",)
    assert np.array_equal(pixels(one), first[None])
    both = read_query(tmp_path, SIZE, 1)
    assert both.names == ("b.png", "in/a.png")
    assert torch.equal(both.x, torch.from_numpy(np.stack([first, second])[:, None]).float() / 255)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no images"):
        read_query(tmp_path / "empty", SIZE, 1)
    with pytest.raises(DataError, match="not there"):
        read_query(tmp_path / "absent.png", SIZE, 1)


def test_strokes_end_light_whatever_they_were_drawn_in(tmp_path: Path) -> None:
    dark, light = draw(tmp_path / "a/dark.png", 1, light=False), draw(tmp_path / "b/light.png", 2)
    _, images = read_support(tmp_path, SIZE, 1, strokes=True)
    assert np.array_equal(pixels(images), np.stack([dark, light]))
    (note,) = images.notes
    assert note.startswith("1 of 2 images were inverted (dark on light")


def test_inversion_can_be_forced_and_forbidden_and_is_off_for_photographs(tmp_path: Path) -> None:
    dark, light = draw(tmp_path / "dark.png", 1, light=False), draw(tmp_path / "light.png", 2)
    for options in ({"strokes": True, "invert": False}, {"strokes": False}):
        images = read_query(tmp_path, SIZE, 1, **options)
        assert np.array_equal(pixels(images), np.stack([255 - dark, light]))
        assert images.notes == ()
    images = read_query(tmp_path, SIZE, 1, invert=True)
    assert np.array_equal(pixels(images), np.stack([dark, 255 - light]))
    assert images.notes == ("2 of 2 images were inverted (as asked)",)


@pytest.fixture
def ten_classes(tmp_path: Path) -> Path:
    for label in range(10):
        for number in range(3 + label % 2):
            draw(tmp_path / f"class{label}" / f"{number}.png", 10 * label + number)
    return tmp_path


def test_folder_is_a_domain_whose_splits_share_no_class(ten_classes: Path) -> None:
    domain = open_domain("folder", path=str(ten_classes), size=SIZE, split=[0.6, 0.2, 0.2])
    assert isinstance(domain, ClassDomain)
    names = {split: classes.names for split, classes in domain.classes.items()}
    assert {split: len(part) for split, part in names.items()} == {"train": 6, "val": 2, "test": 2}
    assert sorted(sum(names.values(), ())) == [f"class{label}" for label in range(10)]
    assert domain.input_shape == (1, SIZE, SIZE)
    task = Episodes(domain.family("train", ways=5, shots=1, queries=2), 0, "train")[0]
    for image, y in zip(task.support.x, task.support.y, strict=True):
        label = str(task.support.labels[y])  # type: ignore[index]  # classification has labels
        files = [np.asarray(Image.open(path)) for path in (ten_classes / label).iterdir()]
        assert any(np.array_equal(image[0] * 255, file) for file in files)
    assert open_domain("folder", path=str(ten_classes), size=SIZE).fingerprint == domain.fingerprint


def test_too_small_a_folder_says_so(ten_classes: Path) -> None:
    domain = open_domain("folder", path=ten_classes, size=SIZE)
    with pytest.raises(DataError, match=r"folder, split 'val': 5 ways need 5 classes, but there are 2"):
        domain.family("val", ways=5, shots=1, queries=1)
    with pytest.raises(DataError, match=r"has 3 examples, but 2 shots and 2 queries need 4"):
        domain.family("train", ways=2, shots=2, queries=2)


def test_shares_must_sum_to_one(ten_classes: Path) -> None:
    for split in ([0.6, 0.2], [0.9, 0.2, 0.2], [1.2, -0.1, -0.1]):
        with pytest.raises(RecipeError, match="three shares that sum to 1"):
            open_domain("folder", path=ten_classes, split=split)


def test_the_format_a_model_expects_is_known_without_its_data(ten_classes: Path) -> None:
    domain = open_domain("folder", path=ten_classes, size=SIZE, strokes=True)
    assert isinstance(domain, ClassDomain)
    kept = {"kind": domain.format.kind} | domain.format.to_json()
    assert kept == {"kind": "images", "size": SIZE, "channels": 1, "strokes": True}
    assert read_format(json.loads(json.dumps(kept))) == domain.format
    with pytest.raises(DataError, match="no inputs of your own"):
        read_format(None)
    with pytest.raises(DataError, match="kind 'smells', which this version does not know"):
        read_format({"kind": "smells"})
    with pytest.raises(DataError, match="reads images is damaged"):
        read_format({"kind": "images", "colour": 1})
