"""Checkpoints: exact, atomic as a pair, without pickle, and clear about damage."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewsight.errors import RunError
from fewsight.training import checkpoint

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "$tensor"), inner),
    max_leaves=8,
)


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def state(value: float) -> dict[str, Any]:
    return {"weights": {"w": torch.full((1000,), value)}, "step": value}


@settings(deadline=None, max_examples=40)
@given(facts=JSON)
def test_what_is_not_a_tensor_comes_back_as_it_was(facts: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("facts") / "a.json"
    checkpoint.save(path, {"facts": facts})
    assert checkpoint.load(path) == {"facts": facts}


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    base = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    tensors = {
        "plain": base,
        "shared": base[1],
        "strided": base.transpose(0, 1),
        "channels last": base.contiguous(memory_format=torch.channels_last),
        "half": base.bfloat16(),
        "double": base.double() / 3,
        "integers": torch.arange(4),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "not a number": torch.tensor([float("nan"), float("inf"), -0.0]),
        "gradient": torch.ones(2, requires_grad=True),
    }
    checkpoint.save(tmp_path / "a.json", {"list": [tensors, (1, torch.ones(1))]})
    found, pair = checkpoint.load(tmp_path / "a.json")["list"]
    assert pair[0] == 1
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        assert found[name].detach().contiguous().view(-1).view(torch.uint8).tolist() == (
            tensor.detach().contiguous().view(-1).view(torch.uint8).tolist()
        )


def test_a_checkpoint_is_two_files_without_pickle(tmp_path: Path) -> None:
    for value in (1.0, 2.0, 2.0):
        checkpoint.save(tmp_path / "a.json", state(value))
        record = json.loads((tmp_path / "a.json").read_text())
        assert files(tmp_path) == sorted(["a.json", record["tensors"]])
    payload = (tmp_path / record["tensors"]).read_bytes()
    header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
    assert header["/weights/w"]["shape"] == [1000]


def test_two_checkpoints_in_one_folder_leave_each_other_alone(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "best.json", state(1.0))
    checkpoint.save(tmp_path / "checkpoint.json", state(2.0))
    checkpoint.save(tmp_path / "checkpoint.json", state(3.0))
    assert checkpoint.load(tmp_path / "best.json")["step"] == 1.0


@pytest.mark.parametrize(("call", "occurrence"), [("fsync", 1), ("replace", 1), ("fsync", 3), ("replace", 2)])
def test_a_full_disk_at_any_point_keeps_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, occurrence: int
) -> None:
    """The four calls: each of the two files is synchronised, then renamed; a folder's synchronisation follows each."""
    path = tmp_path / "a.json"
    checkpoint.save(path, state(1.0))
    before, original, calls = files(tmp_path), getattr(os, call), 0

    def failing(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == occurrence:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*args)

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(RunError, match="No space left on device"):
        checkpoint.save(path, state(2.0))
    monkeypatch.undo()
    assert checkpoint.load(path)["step"] == 1.0
    assert files(tmp_path) == before
    checkpoint.save(path, state(3.0))
    assert checkpoint.load(path)["step"] == 3.0


def test_a_folder_that_cannot_be_synchronised_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, original = tmp_path / "a.json", os.fsync

    def only_files(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        original(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    checkpoint.save(path, state(1.0))
    checkpoint.save(path, state(2.0))
    assert checkpoint.load(path)["step"] == 2.0


def test_a_device_that_is_really_full(tmp_path: Path) -> None:
    """The JSON goes to /dev/full: the kernel itself says that there is no space."""
    path = tmp_path / "a.json"
    checkpoint.save(path, state(1.0))
    before = files(tmp_path)
    (tmp_path / "a.json.tmp").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"No space left on device.*resume"):
        checkpoint.save(path, state(2.0))
    assert checkpoint.load(path)["step"] == 1.0
    assert files(tmp_path) == before


def test_a_write_that_the_kernel_stops_half_way(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    checkpoint.save(path, state(1.0))
    before, (soft, hard) = files(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RunError, match="cannot write"):
            checkpoint.save(path, state(2.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert checkpoint.load(path)["step"] == 1.0
    assert files(tmp_path) == before


def test_what_a_kill_left_behind_is_swept_by_the_next_save(tmp_path: Path) -> None:
    (tmp_path / "a-0123456789abcdef.safetensors").write_bytes(b"never named")
    (tmp_path / "a-0123456789abcdef.safetensors.tmp").write_bytes(b"half")
    (tmp_path / "a.json.tmp").write_bytes(b"half")
    checkpoint.save(tmp_path / "a.json", state(1.0))
    assert len(files(tmp_path)) == 2


def tensor_file(folder: Path) -> Path:
    return next(folder.glob("*.safetensors"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    payload = bytearray(path.read_bytes())
    payload[-1] ^= 1
    path.write_bytes(payload)


def unformatted(path: Path) -> None:
    path.write_text(json.dumps({"state": {}}))


def listed(path: Path) -> None:
    path.write_text("[]")


@pytest.mark.parametrize(
    ("which", "harm"),
    [
        (tensor_file, cut),
        (tensor_file, flip),
        (tensor_file, Path.unlink),
        (lambda folder: folder / "a.json", cut),
        (lambda folder: folder / "a.json", unformatted),
        (lambda folder: folder / "a.json", listed),
    ],
)
def test_damage_is_found_and_said(tmp_path: Path, which: Any, harm: Any) -> None:
    checkpoint.save(tmp_path / "a.json", state(1.0))
    victim = which(tmp_path)
    harm(victim)
    with pytest.raises(RunError, match="is damaged or cut short: restore it") as caught:
        checkpoint.load(tmp_path / "a.json")
    assert str(victim) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_version_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    checkpoint.save(path, state(1.0))
    path.write_text(path.read_text().replace("checkpoint/1", "checkpoint/9"))
    with pytest.raises(RunError, match=r"'fewsight\.checkpoint/9' but this version of fewsight reads"):
        checkpoint.load(path)


def test_a_missing_checkpoint_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not exist"):
        checkpoint.load(tmp_path / "a.json")


def test_reading_while_training_replaces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tensors vanish between the two reads because a newer pair took their place: the newer one is read."""
    path, original, races = tmp_path / "a.json", Path.read_bytes, 1
    checkpoint.save(path, state(1.0))

    def racing(self: Path) -> bytes:
        nonlocal races
        if self.suffix == ".safetensors" and races:
            races -= 1
            checkpoint.save(path, state(2.0))
        return original(self)

    monkeypatch.setattr(Path, "read_bytes", racing)
    assert checkpoint.load(path)["step"] == 2.0
    assert races == 0
