"""How is slow preparation done once? Its tensors are kept in the user's cache, under a name that depends on the source.

A cache is only ever a shortcut: one that is corrupt is made again, one that cannot be written is done without.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fewsight.domains.datadir import cache_dir, partial_path


def cached(name: str, build: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors kept as `name`, or those of `build()`, which are then kept.

    Args:
        name: must change whenever the result of `build` would.
    """
    path = cache_dir() / f"{name}.safetensors"
    if (kept := _read(path)) is not None:
        return kept
    tensors = build()
    try:
        _write(path, tensors)
    except OSError as error:
        warnings.warn(f"cannot keep {path} ({error.strerror}): it will be made again next time", stacklevel=2)
    return tensors


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(f"{key}\0{tuple(tensors[key].shape)}\n".encode())
        digest.update(tensors[key].contiguous().view(-1).numpy().data)
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Tensor] | None:
    try:
        with safe_open(path, "pt") as stored:
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - not a mapping
            whole = (stored.metadata() or {}).get("digest") == _digest(tensors)
    except (OSError, SafetensorError):
        return None
    return tensors if whole else None


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    partial = partial_path(path)
    try:
        save_file(tensors, partial, {"digest": _digest(tensors)})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
