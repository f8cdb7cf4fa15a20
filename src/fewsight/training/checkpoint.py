"""How is nested state kept so that no moment of death can lose it? Tensors first, then the JSON that names them.

A checkpoint `NAME.json` holds everything that is not a tensor and the name and SHA-256 of one file
`NAME-<digest>.safetensors` beside it. The tensors are written under a new name, and only the atomic replacement of the
JSON makes them the checkpoint; until then the previous pair stays whole. Nothing is pickled: loading runs no code.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from fewsight.errors import RunError
from fewsight.training import files

FORMAT = "fewsight.checkpoint/1"
_TENSOR = "$tensor"


def save(path: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint at `path` (its JSON file) by `state`, both files or neither.

    Args:
        state: dictionaries with text keys, lists, JSON scalars and tensors, nested at will.

    Raises:
        RunError: it could not be written; the previous checkpoint is still there, and nothing else.
    """
    tensors: dict[str, Tensor] = {}
    record = {"format": FORMAT, "state": _take_out(state, "", tensors)}
    payload = safetensors.torch.save(tensors)
    digest = hashlib.sha256(payload).hexdigest()
    file = path.with_name(f"{path.stem}-{digest[:16]}.safetensors")
    known = file.exists()
    files.replace(file, payload)
    try:
        files.write_json(path, record | {"tensors": file.name, "sha256": digest})
    except RunError:
        if not known:
            file.unlink(missing_ok=True)
        raise
    for old in path.parent.glob(f"{path.stem}-*.safetensors*"):
        if old != file:
            old.unlink(missing_ok=True)


def load(path: Path) -> dict[str, Any]:
    """The state saved at `path`, tensors on the CPU.

    Raises:
        RunError: the checkpoint is missing, cut short, altered, or of another version.
    """
    record = files.read_json(path, FORMAT)
    file = path.with_name(Path(str(record.get("tensors"))).name)
    try:
        payload = file.read_bytes()
    except FileNotFoundError:
        if files.read_json(path, FORMAT) != record:  # a training run replaced it between the two reads
            return load(path)
        raise files.damaged(file) from None
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror or error}") from error
    if hashlib.sha256(payload).hexdigest() != record.get("sha256"):
        raise files.damaged(file)
    return _put_back(record["state"], safetensors.torch.load(payload))


def _take_out(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """`value` with every tensor moved to `tensors` under its path and a mark left in its place."""
    if isinstance(value, Tensor):
        tensors[path] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: path}
    if isinstance(value, dict):
        return {key: _take_out(item, f"{path}/{key}", tensors) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_take_out(item, f"{path}/{index}", tensors) for index, item in enumerate(value)]
    return value


def _put_back(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, dict):
        return tensors[value[_TENSOR]] if _TENSOR in value else {k: _put_back(v, tensors) for k, v in value.items()}
    if isinstance(value, list):
        return [_put_back(item, tensors) for item in value]
    return value
