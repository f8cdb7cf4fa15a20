"""Which image files does a folder hold? All below it, in order of name; with one subfolder for each class, by class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fewsight.errors import DataError

LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
"""What file managers and archivers leave behind; hidden files are ignored too."""


def class_files(folder: Path) -> dict[str, list[Path]]:
    """Image files by class, classes and files in order of name.

    Raises:
        DataError: no such folder, no class folders, a file outside them, or an empty one.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}: give a folder with one subfolder of images for each class")
    entries = _entries(folder)
    if stray := next((entry for entry in entries if not entry.is_dir()), None):
        raise DataError(f"{stray} lies outside the class folders: move it into the folder of its class, or remove it")
    if not entries:
        raise DataError(f"{folder} holds no class folders: make one subfolder of images for each class")
    classes = {entry.name: list(all_files(entry)) for entry in entries}
    if empty := next((name for name, files in classes.items() if not files), None):
        raise DataError(f"class folder {folder / empty} holds no images: add at least one, or remove the folder")
    return classes


def all_files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """All files below, in order; links are followed, but not back to a folder above."""
    real = folder.resolve()
    if real in above:
        return
    for entry in _entries(folder):
        if entry.is_dir():
            yield from all_files(entry, above | {real})
        else:
            yield entry


def _entries(folder: Path) -> list[Path]:
    try:
        entries = [e for e in folder.iterdir() if not e.name.startswith(".") and e.name.casefold() not in LITTER]
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}") from error
    return sorted(entries, key=lambda entry: (entry.name.casefold(), entry.name))
