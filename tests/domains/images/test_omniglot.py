"""The real Omniglot: its counts, its split, its pixels, and what happens when a file is damaged."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fewsight.domains.classes import Classes
from fewsight.domains.domain import ClassDomain
from fewsight.domains.images.omniglot import ARCHIVES, FORMAT, LISTS, SPLITS, open_omniglot, same_content
from fewsight.errors import DataError


def archive_of(data_dir: Path, place: int) -> zipfile.ZipFile:
    path = ARCHIVES[place].find(data_dir)
    assert path
    return zipfile.ZipFile(path)


def characters(classes: Classes) -> set[str]:
    return {name.rsplit("/", 1)[0] for name in classes.names}


def image_of(domain: ClassDomain, name: str) -> torch.Tensor:
    classes = next(classes for classes in domain.classes.values() if name in classes.names)
    return classes.inputs[list(classes.names).index(name)]


def test_vinyals_split_has_its_counts_and_shares_no_character(omniglot: ClassDomain) -> None:
    assert tuple(omniglot.classes) == SPLITS
    parts = {split: characters(classes) for split, classes in omniglot.classes.items()}
    assert {split: len(part) for split, part in parts.items()} == {"train": 1028, "val": 172, "test": 423}
    assert len(set.union(*parts.values())) == 1623
    for split, classes in omniglot.classes.items():
        assert len(classes) == 4 * len(parts[split])
        assert isinstance(classes.inputs, torch.Tensor)
        assert classes.inputs.shape == (len(classes), 20, 1, 28, 28)
        assert classes.inputs.dtype == torch.uint8


def test_characters_are_those_of_the_archives(omniglot: ClassDomain, data_dir: Path) -> None:
    known = set()
    for place in (0, 1):
        with archive_of(data_dir, place) as archive:
            known |= {"/".join(name.split("/")[1:3]) for name in archive.namelist() if name.endswith(".png")}
    assert set.union(*(characters(classes) for classes in omniglot.classes.values())) == known


@pytest.mark.parametrize(
    ("place", "character"),
    [(0, "Braille/character01"), (0, "Greek/character20"), (1, "Angelic/character07"), (1, "Tibetan/character42")],
)
def test_pixels_are_the_drawings_reduced_and_inverted(
    omniglot: ClassDomain, data_dir: Path, place: int, character: str
) -> None:
    """Against a reduction done by hand: the ink in each pixel's area (105 = 3.75 * 28), drawers in order."""
    with archive_of(data_dir, place) as archive:
        names = sorted(n for n in archive.namelist() if f"/{character}/" in n and n.endswith(".png"))
        drawings = [np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names]
    assert len(drawings) == 20
    served = image_of(omniglot, f"{character}/rot000").numpy() / 255
    for drawing, image in zip(drawings, served[:, 0], strict=True):
        ink = np.repeat(np.repeat(~drawing, 4, 0), 4, 1).reshape(28, 15, 28, 15).mean((1, 3))
        assert np.abs(image - ink).mean() < 0.03
        assert np.corrcoef(image.ravel(), ink.ravel())[0, 1] > 0.97


def test_the_one_known_duplicate_is_where_it_should_be(omniglot: ClassDomain) -> None:
    """Drawers 3 and 19 of Braille's first character made the same pixels; no other two of that class did."""
    images = image_of(omniglot, "Braille/character01/rot000").reshape(20, -1)
    same = (images[:, None] == images[None]).all(-1).nonzero().tolist()
    assert [pair for pair in same if pair[0] < pair[1]] == [[2, 18]]


def test_rotations_turn_counter_clockwise(omniglot: ClassDomain) -> None:
    upright = image_of(omniglot, "Gurmukhi/character42/rot000").numpy()
    for quarters in (1, 2, 3):
        rotated = image_of(omniglot, f"Gurmukhi/character42/rot{90 * quarters:03}").numpy()
        assert np.array_equal(rotated, np.rot90(upright, quarters, (-2, -1)))
    assert not np.array_equal(upright, np.rot90(upright, 1, (-2, -1)))


def test_without_rotations_only_upright_classes_remain(omniglot: ClassDomain, data_dir: Path) -> None:
    upright = open_omniglot(data_dir, rotations=False)
    assert {split: len(classes) for split, classes in upright.classes.items()} == {
        "train": 1028,
        "val": 172,
        "test": 423,
    }
    assert torch.equal(upright.classes["val"].inputs[3], omniglot.classes["val"].inputs[12])
    assert upright.fingerprint != omniglot.fingerprint


def test_a_users_copy_of_the_drawings_is_seen_as_the_same_images(
    omniglot: ClassDomain, data_dir: Path, tmp_path: Path
) -> None:
    """Dark on light, as the files are: reading inverts them and ends with the very bytes meta-training saw."""
    wanted = ("Greek/character01", "Latin/character03")
    with archive_of(data_dir, 0) as archive:
        for name in archive.namelist():
            if name.endswith(".png") and any(f"/{character}/" in name for character in wanted):
                folder = tmp_path / "_".join(name.split("/")[1:3])
                folder.mkdir(exist_ok=True)
                (folder / name.split("/")[-1]).write_bytes(archive.read(name))
    support, images = FORMAT.read_support(tmp_path)
    expected = torch.cat([image_of(omniglot, f"{character}/rot000") for character in wanted])
    assert torch.equal(images.x, expected.float() / 255)
    assert support.labels == ("Greek_character01", "Latin_character03")
    assert images.notes == (
        "40 of 40 images were inverted (dark on light, while this model expects light strokes on a dark background)",
    )


def linked(data_dir: Path, folder: Path, flat: bool) -> None:
    """A data directory of links to the real files, in "omniglot" or directly."""
    for file in (*ARCHIVES, *LISTS):
        link, target = folder / ("" if flat else "omniglot") / file.name, file.find(data_dir)
        assert target
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target.resolve())


def test_files_may_lie_directly_in_the_data_directory(omniglot: ClassDomain, data_dir: Path, tmp_path: Path) -> None:
    linked(data_dir, tmp_path, flat=True)
    assert open_omniglot(tmp_path).fingerprint == omniglot.fingerprint


@pytest.mark.usefixtures("omniglot")
@pytest.mark.parametrize("name", ["images_evaluation.zip", "splits/vinyals/val.txt"])
@pytest.mark.parametrize("harm", ["flip", "cut"])
def test_damaged_file_is_named(data_dir: Path, tmp_path: Path, name: str, harm: str) -> None:
    linked(data_dir, tmp_path, flat=False)
    path = tmp_path / "omniglot" / name
    damaged = bytearray(path.read_bytes())
    if harm == "flip":
        damaged[len(damaged) // 2] ^= 0x55
    else:
        del damaged[-100:]
    path.unlink()
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="is corrupt or not the published file") as caught:
        open_omniglot(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_content_is_known_however_it_is_packed_and_only_that_content(tmp_path: Path) -> None:
    images = {"x/b/1.png": b"one" * 100, "x/a/2.png": b"two" * 100}
    lines = "".join(f"{name}\0{hashlib.sha256(images[name]).hexdigest()}\n" for name in sorted(images))
    expected = hashlib.sha256(lines.encode()).hexdigest()

    def pack(images: dict[str, bytes], method: int, extra: str = "") -> Path:
        path = tmp_path / "packed.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in images.items():
                archive.writestr(name, content)
            if extra:
                archive.writestr(extra, b"")
        return path

    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        assert same_content(pack(images, method, extra="x/"), expected)
        assert same_content(pack(dict(reversed(images.items())), method), expected)
        assert not same_content(pack(images | {"x/a/2.png": b"too" * 100}, method), expected)
        assert not same_content(pack(images | {"x/a/3.png": b""}, method), expected)
        whole = bytearray(pack(images, method).read_bytes())
        whole[39:51] = bytes(12)  # the first image's data
        (tmp_path / "packed.zip").write_bytes(whole)
        assert not same_content(tmp_path / "packed.zip", expected)
    (tmp_path / "packed.zip").write_bytes(b"no archive")
    assert not same_content(tmp_path / "packed.zip", expected)
