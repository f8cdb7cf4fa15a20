"""Where do the numbers of a training go? JSON lines in metrics.jsonl, and TensorBoard where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from fewsight.errors import RunError
from fewsight.training import files


class MetricsLog:
    """Appends to the metrics of a run folder; on entry forgets everything after `step`, where training goes on."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [line for line in self._lines() if line["step"] <= step]
        files.replace(self.path, "".join(f"{json.dumps(line)}\n" for line in kept).encode())
        self._file = open(self.path, "a", encoding="utf-8")  # noqa: SIM115  # closed in __exit__
        self._board = _tensorboard(folder / "tensorboard", step)

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()

    def write(self, step: int, **values: float) -> None:
        """Record `values` of `step`; they reach the file before this returns."""
        try:
            self._file.write(json.dumps({"step": step} | values) + "\n")
            self._file.flush()
        except OSError as error:
            raise RunError(f"cannot write {self.path}: {error.strerror}; make room, then resume") from error
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def _lines(self) -> list[dict[str, Any]]:
        """The lines on disk; a last one that was cut short by a crash is left out."""
        found = []
        for line in self.path.read_text("utf-8").splitlines() if self.path.exists() else ():
            try:
                found.append(json.loads(line))
            except ValueError:
                break
        return found


def _tensorboard(folder: Path, step: int) -> Any:
    """A TensorBoard writer that hides what an interrupted run wrote after `step`; None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)
