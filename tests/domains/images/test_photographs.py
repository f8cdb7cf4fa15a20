"""The real image sets: Caltech-101, blood cells, MedNIST. Counts, splits, pixels, and what tasks are made of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fewsight.domains import ClassDomain, Episodes, open_domain
from fewsight.domains.images.archive import Published
from fewsight.domains.images.bccd import BCCD
from fewsight.domains.images.caltech import CALTECH, SPLIT
from fewsight.domains.images.mednist import MEDNIST
from fewsight.errors import DataError, RecipeError
from fewsight.metrics import balanced_accuracy
from realdata import absent


def archive_of(published: Published, data_dir: Path) -> Path:
    found = [path for file in published.files if (path := file.find(data_dir))]
    if not found:
        absent(f"{published.name} in {data_dir}")
    return found[0]


@pytest.fixture(scope="module")
def caltech(data_dir: Path) -> ClassDomain:
    archive_of(CALTECH, data_dir)
    return open_domain("caltech101", data_dir, size=24)


@pytest.fixture(scope="module")
def cells(data_dir: Path) -> ClassDomain:
    archive_of(BCCD, data_dir)
    return open_domain("bccd", data_dir, size=24)


@pytest.fixture(scope="module")
def scans(data_dir: Path) -> ClassDomain:
    archive_of(MEDNIST, data_dir)
    return open_domain("mednist", data_dir)


def test_the_split_of_objects(caltech: ClassDomain) -> None:
    assert {split: len(names) for split, names in SPLIT.items()} == {"train": 45, "val": 14, "test": 15}
    assert len({name for names in SPLIT.values() for name in names}) == 74
    for pair in (("cougar_body", "cougar_face"), ("chair", "windsor_chair")):
        assert any(set(pair) <= set(names) for names in SPLIT.values())
    for split, classes in caltech.classes.items():
        assert set(classes.names) == set(SPLIT[split])
        assert classes.inputs.shape == (len(classes), 20, 3, 24, 24)


def test_photographs_keep_their_colours_and_proportions(caltech: ClassDomain, data_dir: Path) -> None:
    """Against Pillow: the first garfield is wider than high, so its middle rows are the photograph, scaled."""
    with zipfile.ZipFile(archive_of(CALTECH, data_dir)) as archive:
        name = next((n for n in archive.namelist() if n.endswith("garfield/image_0001.jpg")), None)
        if name is None:
            pytest.skip("the canonical archive holds a tar, not files")
        photograph = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
    classes = caltech.classes["train"]
    served = classes.inputs[classes.names.index("garfield"), 0].permute(1, 2, 0).numpy().astype(float)
    scale = 24 / max(photograph.size)
    width, height = (round(side * scale) for side in photograph.size)
    small = np.asarray(photograph.resize((width, height), Image.Resampling.BOX)).astype(float)
    top, left = (24 - height) // 2, (24 - width) // 2
    assert np.abs(served[top : top + height, left : left + width] - small).mean() < 8


def test_rotations_are_classes_of_training_alone(caltech: ClassDomain, data_dir: Path) -> None:
    turned = open_domain("caltech101", data_dir, size=24, rotations=True)
    assert {split: len(classes) for split, classes in turned.classes.items()} == {"train": 180, "val": 14, "test": 15}
    of = dict(zip(turned.classes["train"].names, turned.classes["train"].inputs, strict=True))
    assert torch.equal(of["ewer/rot090"], torch.rot90(of["ewer"], 1, (-2, -1)))
    assert turned.fingerprint != caltech.fingerprint


def test_blood_cells_are_uneven_and_only_for_testing(cells: ClassDomain) -> None:
    assert cells.splits == ("test",)
    counts = {n: len(i) for n, i in zip(cells.classes["test"].names, cells.classes["test"].inputs, strict=True)}
    assert counts == {"Basophil": 3, "Eosinophil": 88, "Lymphocyte": 33, "Monocyte": 20, "Neutrophil": 207}
    assert cells.metrics[0] == "balanced accuracy"
    with pytest.raises(RecipeError, match="has no split 'train'"):
        cells.family("train", ways=4, shots=1, queries=1)


def test_rare_cells_are_asked_with_what_is_left(cells: ClassDomain) -> None:
    five = Episodes(cells.family("test", ways=5, shots=1, queries=15), 0, "test")[0]
    place = five.support.labels.index("Basophil")
    assert torch.bincount(five.target).tolist() == [2 if c == place else 15 for c in range(5)]
    four = Episodes(cells.family("test", ways=4, shots=5, queries=100), 0, "test")[0]
    left = {"Eosinophil": 83, "Lymphocyte": 28, "Monocyte": 15, "Neutrophil": 100}
    assert dict(zip(four.support.labels, torch.bincount(four.target).tolist(), strict=True)) == left
    assert four.query.shape[0] == sum(left.values())
    common = four.support.labels.index("Neutrophil")
    always = torch.eye(4)[torch.full_like(four.target, common)]
    assert balanced_accuracy(always, four) == pytest.approx(1 / 4)
    with pytest.raises(DataError, match="there are 4 with more than 5 examples"):
        cells.family("test", ways=5, shots=5, queries=1)


def test_no_cell_is_in_support_and_query(cells: ClassDomain) -> None:
    task = Episodes(cells.family("test", ways=4, shots=5, queries=300), 0, "test")[3]
    together = torch.cat([task.support.x, task.query]).flatten(1)
    assert len(torch.unique(together, dim=0)) == 88 + 33 + 20 + 207


def test_the_split_of_scans(scans: ClassDomain) -> None:
    assert {split: classes.names for split, classes in scans.classes.items()} == {
        "train": ("AbdomenCT", "BreastMRI", "CXR"),
        "test": ("ChestCT", "Hand", "HeadCT"),
    }
    assert all(classes.inputs.shape == (3, 200, 1, 64, 64) for classes in scans.classes.values())


def test_scans_of_the_models_size_are_served_as_they_are(scans: ClassDomain, data_dir: Path) -> None:
    """64 x 64 grey images, not resized: every one is a photograph's own pixels."""
    images = MEDNIST.images(archive_of(MEDNIST, data_dir))["Hand"]
    served = scans.classes["test"].inputs[1]
    for raw, image in list(zip(images.values(), served, strict=True))[::40]:
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(raw)).convert("L")), image[0].numpy())


@pytest.mark.parametrize("published", [CALTECH, BCCD, MEDNIST], ids=lambda published: published.name)
def test_an_archive_packed_anew_is_known_by_its_content(published: Published, data_dir: Path, tmp_path: Path) -> None:
    path = archive_of(published, data_dir)
    images = published.images(path)
    anew = tmp_path / published.files[-1].name
    with zipfile.ZipFile(anew, "w") as archive:
        for kind, of in images.items():
            for name, raw in of.items():
                archive.writestr(f"another/{published.folder}/{kind}/{name}", raw)
    assert published.files[-1].difference(anew) == ""
    (kind, (name, *_)), *_ = images.items()
    with zipfile.ZipFile(anew, "a") as archive:
        archive.writestr(f"another/{published.folder}/{kind}/0{name}", images[kind][name])
    assert published.files[-1].difference(anew) != ""


@pytest.mark.parametrize("name", ["caltech101", "bccd", "mednist"])
@pytest.mark.parametrize("setting", [{"size": 7}, {"channels": 2}])
def test_impossible_images_are_said_before_any_is_read(name: str, setting: dict, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=next(iter(setting))):
        open_domain(name, tmp_path, **setting)
