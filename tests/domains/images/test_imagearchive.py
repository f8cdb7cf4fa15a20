"""Archives of images: the same images however they are packed, only those that are used, and damage is said."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fewsight.domains.images.archive import Published
from fewsight.domains.images.file import read_images
from fewsight.errors import DataError


def picture(seed: int, kind: str = "PNG", size: tuple[int, int] = (7, 5)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


IMAGES = {f"top/Set/{kind}/{place}.png": picture(10 * k + place) for k, kind in enumerate("ba") for place in range(4)}
LITTER = {
    "top/readme.txt": b"x",
    "top/Set/c/0.png": picture(99),
    "top/Other/a/0.png": picture(98),
    "__MACOSX/top/Set/a/._0.png": b"junk",
}


def chosen(names: list[str] | tuple[str, ...]) -> list[str]:
    return list(names[:3])


def content() -> str:
    digest = hashlib.sha256()
    for kind in "ab":
        for place in range(3):
            raw = IMAGES[f"top/Set/{kind}/{place}.png"]
            digest.update(f"{kind}/{place}.png\0{hashlib.sha256(raw).hexdigest()}\n".encode())
    return digest.hexdigest()


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return buffer.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return buffer.getvalue()


PACKINGS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "zip of tar": lambda members: zipped({"top/notes.txt": b"x", "top/all.tar.gz": tarred(members)}),
}
MADE = Published(
    "made",
    (("all.zip", "https://example.invalid/all.zip", "sha256:00"), ("part.zip", "https://example.invalid", "sha256:11")),
    folder="Set",
    content=content(),
    classes=frozenset("ab"),
    choose=chosen,
)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", ["all.zip", "part.zip", "made/all.zip"])
def test_the_same_images_however_they_are_packed(tmp_path: Path, packing: str, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(PACKINGS[packing](LITTER | dict(reversed(IMAGES.items()))))
    loaded = MADE.load(8, 3, tmp_path)
    assert list(loaded) == ["a", "b"]
    for kind, images in loaded.items():
        files = [tmp_path / f"{kind}{place}.png" for place in range(3)]
        for place, file in enumerate(files):
            file.write_bytes(IMAGES[f"top/Set/{kind}/{place}.png"])
        assert np.array_equal(images.numpy(), read_images(files, 8, 3))  # a user's own files are seen alike
    assert MADE.load(4, 1, tmp_path)["a"].shape == (3, 1, 4, 4)
    assert all(
        np.array_equal(images, again)
        for images, again in zip(loaded.values(), MADE.load(8, 3, tmp_path).values(), strict=True)
    )  # from the cache


@pytest.mark.parametrize(
    "change",
    [
        {"top/Set/a/1.png": picture(50)},
        {"top/Set/a/00.png": picture(50)},
        {"top/Set/a/1.png": None},
    ],
    ids=["changed", "added", "missing"],
)
def test_other_images_are_not_taken_for_the_published(tmp_path: Path, change: dict) -> None:
    members = {name: raw for name, raw in (IMAGES | change).items() if raw is not None}
    (tmp_path / "all.zip").write_bytes(zipped(members))
    with pytest.raises(DataError, match="corrupt or not the published file") as caught:
        MADE.load(8, 3, tmp_path)
    assert "\n" not in str(caught.value)


def test_an_image_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    raw = zipped(IMAGES | {"top/Set/a/1.png": b"no image"})
    (tmp_path / "all.zip").write_bytes(raw)
    as_published = (("all.zip", "https://example.invalid", f"sha256:{hashlib.sha256(raw).hexdigest()}"),)
    with pytest.raises(DataError, match=r"1\.png is not an image"):
        replace(MADE, archives=as_published).load(8, 3, tmp_path)


def outcome(read: Callable[[], Any]) -> Any:
    """What it gives, or the words of its error."""
    try:
        return read()
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("packing", PACKINGS)
@settings(max_examples=110, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_archives_end_in_images_or_one_line(tmp_path: Path, packing: str, data: st.DataObject) -> None:
    whole = bytearray(PACKINGS[packing](IMAGES))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    del whole[len(whole) - data.draw(st.integers(0, len(whole) // 2)) * data.draw(st.integers(0, 1)) :]
    (tmp_path / "all.zip").write_bytes(whole)
    loaded = outcome(lambda: MADE.load(8, 3, tmp_path))
    if isinstance(loaded, str):
        assert "\n" not in loaded
    else:
        assert [images.shape for images in loaded.values()] == [(3, 3, 8, 8)] * 2
