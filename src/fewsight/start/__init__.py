"""What does `fewsight new` write? The files of this folder: a domain of one's own, small and commented, that trains."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fewsight.errors import DataError

FILES = ("domain.py", "recipe.toml", "support.csv", "query.csv", "README.md")


def write(folder: Path) -> list[Path]:
    """Copy the example into `folder`, which is made; the files written.

    Raises:
        DataError: one of them is there already, or the folder cannot be written.
    """
    if there := next((name for name in FILES if (folder / name).exists()), None):
        raise DataError(f"{folder / there} is there already: choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (folder / name).write_bytes(resources.files("fewsight.start").joinpath(name).read_bytes())
    except OSError as error:
        raise DataError(f"cannot write into {folder}: {error.strerror}; choose another folder") from error
    return [folder / name for name in FILES]
