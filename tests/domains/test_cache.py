"""The cache: a shortcut that is never wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from fewsight.domains.cache import cached

TENSORS = {"a/b c": torch.arange(60, dtype=torch.uint8).reshape(3, 20), "d": torch.tensor([1.5])}


class Builder:
    """Counts how often the tensors were built."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, Tensor]:
        self.calls += 1
        return TENSORS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FEWSIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def check(tensors: dict[str, Tensor]) -> None:
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[key], TENSORS[key]) for key in TENSORS)


def test_builds_once_and_leaves_only_the_finished_file(folder: Path) -> None:
    build = Builder()
    for _ in range(3):
        check(cached("thing", build))
    assert build.calls == 1
    assert [path.name for path in folder.iterdir()] == ["thing.safetensors"]
    cached("other thing", build)
    assert build.calls == 2


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "nonsense"])
def test_corrupt_cache_is_made_again(folder: Path, harm: str) -> None:
    build = Builder()
    cached("thing", build)
    path = folder / "thing.safetensors"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-3] ^= 1  # in the values: the file still parses
    path.write_bytes({"flip": bytes(flipped), "cut": whole[:-5], "empty": b"", "nonsense": b"\xff" * 100}[harm])
    check(cached("thing", build))
    assert build.calls == 2
    assert path.read_bytes() == whole


def test_failed_build_leaves_nothing(folder: Path) -> None:
    def build() -> dict[str, Tensor]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cached("thing", build)
    assert not folder.exists()


def test_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FEWSIGHT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="cannot keep"):
        check(cached("thing", Builder()))
