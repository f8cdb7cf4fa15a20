"""Where is the data? In the given directory, else `FEWSIGHT_DATA`, else a per-user directory; absent files are fetched.

A file is looked for by its canonical name, in the data set's own folder and directly in the data directory. What is
found is verified; what is absent is downloaded from its authors' address, verified, and only then given its name.
"""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from fewsight.errors import DataError

BLOCK = 1 << 20
TIMEOUT = 30.0
"""Seconds without a byte after which a download is given up."""


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes:
        folder: the data set's folder in a data directory.
        name: path below that folder (or directly below the data directory), with forward slashes.
        address: where its authors publish it.
        digest: "md5:..." or "sha256:..." of the published bytes.
        same_content: whether a file of other bytes holds the same data (an archive packed anew); None: never.
    """

    folder: str
    name: str
    address: str
    digest: str
    same_content: Callable[[Path], bool] | None = None

    def find(self, root: Path) -> Path | None:
        """The file below the data directory `root`, or None."""
        return next((path for path in (root / self.folder / self.name, root / self.name) if path.is_file()), None)

    def difference(self, path: Path) -> str:
        """How `path` differs from what was published, by its digest; empty when it does not."""
        kind, expected = self.digest.split(":")
        actual = file_digest(path, kind)
        if actual == expected or (self.same_content is not None and self.same_content(path)):
            return ""
        return f"{kind} {actual}, expected {expected}"

    def verify(self, path: Path) -> None:
        """Raise DataError unless `path` holds what was published."""
        try:
            difference = self.difference(path)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        if difference:
            advice = f"delete it and get it again from {self.address}"
            raise DataError(f"{path} is corrupt or not the published file ({difference}): {advice}")


def data_dir(data: Path | None = None) -> Path:
    """The data directory: `data`, else `FEWSIGHT_DATA`, else one in the user's cache.

    Raises:
        DataError: one was named that does not exist.
    """
    named = data if data is not None else os.environ.get("FEWSIGHT_DATA")
    if not named:
        return cache_dir() / "data"
    if not (root := Path(named).expanduser()).is_dir():
        raise DataError(f"the data directory {root} does not exist: create it, or name another (--data, FEWSIGHT_DATA)")
    return root


def cache_dir() -> Path:
    """Where results that can be made again are kept: `FEWSIGHT_CACHE`, else the platform's place for them."""
    if named := os.environ.get("FEWSIGHT_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "fewsight"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/fewsight"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fewsight"


def fetch(files: Sequence[DataFile], data: Path | None = None, *, unverified: Sequence[DataFile] = ()) -> list[Path]:
    """Paths of `files`, verified, and downloaded where absent.

    Args:
        unverified: those of them that the caller verifies itself when they were there before.

    Raises:
        DataError: a file is corrupt, or absent and not to be had (the message says what to put where).
    """
    root = data_dir(data)
    missing = [file for file in files if file.find(root) is None]
    for position, file in enumerate(missing):
        try:
            _download(file, root / file.folder / file.name)
        except (OSError, HTTPException) as error:
            if isinstance(error, HTTPError):
                error.close()  # it holds the connection
            raise DataError(_by_hand(missing[position:], root, error)) from error
    paths = [file.find(root) or root / file.folder / file.name for file in files]
    for file, path in zip(files, paths, strict=True):
        if file not in missing and file not in unverified:
            file.verify(path)
    return paths


def file_digest(path: Path, kind: str = "sha256") -> str:
    """Hexadecimal digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def content_digest(members: Callable[[], Iterable[tuple[str, bytes]]]) -> str | None:
    """sha256 over the lines `name NUL sha256(content) LF` of an archive's members: it knows an archive packed anew.

    None where the archive is damaged, which can make reading it fail in any way; what the disk refuses is an OSError.
    """
    total = hashlib.sha256()
    try:
        for name, content in members():
            total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    except OSError:
        raise
    except Exception:
        return None
    return total.hexdigest()


def partial_path(path: Path) -> Path:
    """Where to write what becomes `path` by a rename once it is whole; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.{os.getpid()}.partial")


def _by_hand(missing: Iterable[DataFile], root: Path, error: Exception) -> str:
    wanted = "; ".join(f"{file.address} as {root / file.folder / file.name}" for file in missing)
    reason = getattr(error, "reason", error)
    return f"data files are missing and could not be downloaded ({reason}): with a browser, save {wanted}"


def _download(file: DataFile, path: Path) -> None:
    from rich.console import Console
    from rich.progress import wrap_file

    with urllib.request.urlopen(file.address, timeout=TIMEOUT) as response:
        partial = partial_path(path)  # no folder is made for what is not to be had
        try:
            size = int(response.headers.get("Content-Length") or 0)
            console = Console(stderr=True)
            shown = wrap_file(response, size, description=f"downloading {path.name}", console=console)
            with partial.open("wb") as target, shown as stream:
                while block := stream.read(BLOCK):
                    target.write(block)
                if target.tell() < size:
                    raise OSError(f"the connection ended after {target.tell()} of {size} bytes")
            if difference := file.difference(partial):
                raise OSError(f"{file.address} sent something else than the published file: {difference}")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
