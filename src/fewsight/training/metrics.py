"""Where do the numbers of a training go? JSON lines in metrics.jsonl, and TensorBoard where it is installed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from fewsight.errors import RunError
from fewsight.training import files
from fewsight.training.curves import Curves


class MetricsLog:
    """Appends to the metrics of a run folder; first it forgets everything after `step`, where training goes on.

    Raises:
        RunError: the metrics cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [line for line in _lines(self.path) if line["step"] <= step]
        files.replace(self.path, "".join(f"{json.dumps(line)}\n" for line in kept).encode())
        self._curves: Curves | None = None
        with self._errors():
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115  # closed in __exit__
            with suppress(ImportError):
                self._curves = Curves(folder / "tensorboard", step)

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._curves is not None:
            with suppress(OSError):  # what could not be written was reported by `write`
                self._curves.close()

    def write(self, step: int, **values: float) -> None:
        """Record `values` of `step`; they reach the file before this returns."""
        line = json.dumps({"step": step} | values).encode() + b"\n"
        with self._errors():
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._curves is not None:
                self._curves.write(step, values)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"cannot write metrics to {self.path.parent}: {reason}; make room, then resume") from error


def _lines(path: Path) -> list[dict[str, Any]]:
    """The lines on disk; a last one that was cut short by a crash is left out."""
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found
