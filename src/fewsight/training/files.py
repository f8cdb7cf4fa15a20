"""How is a file replaced so that a crash or a full disk leaves the old one? Written beside it, then renamed over it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from fewsight.errors import RunError

SUFFIX = ".tmp"
"""Ends the name of a file that is still being written; what carries it is never read."""


def replace(path: Path, payload: bytes) -> None:
    """Write `payload` to `path`: afterwards the file is wholly new, or, whatever happened, what it was before.

    Raises:
        RunError: the disk is full or the folder cannot be written.
    """
    scratch = path.with_name(path.name + SUFFIX)
    try:
        with open(scratch, "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise RunError(
            f"cannot write {path}: {error.strerror or error}; what was saved before is intact: make room, then run "
            "it again (a training: resume it)"
        ) from error
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make a rename last through a power failure, where the file system lets a folder be synchronised; not all do."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Replace `path` by `record` as indented JSON."""
    replace(path, (json.dumps(record, indent=1) + "\n").encode())


def read_json(path: Path, layout: str) -> dict[str, Any]:
    """The record at `path`, whose "format" must be `layout`.

    Raises:
        RunError: the file is missing, damaged, or of another version.
    """
    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"{path} does not exist: is {path.parent} a run folder that has been trained?") from None
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError:
        raise damaged(path) from None
    found = record.get("format") if isinstance(record, dict) else None
    if found is None:
        raise damaged(path)
    if found != layout:
        raise RunError(
            f"{path} has format {found!r} but this version of fewsight reads {layout!r}: "
            "use the version that wrote it, or train again"
        )
    return record


def damaged(path: Path) -> RunError:
    return RunError(f"{path} is damaged or cut short: restore it from a copy, or delete the run folder and train again")
