"""How do metrics become curves in TensorBoard? As event records, written here and now.

TensorBoard's own writer works in a thread, which loses records when the process dies and cannot say that a disk is
full.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


class Curves:
    """An event file in `folder` for steps after `step`; what an interrupted run wrote beyond it is hidden.

    Raises:
        ImportError: TensorBoard is not installed (the extra "tensorboard").
        OSError: the file cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        folder.mkdir(exist_ok=True)
        self._file = open(folder / f"events.out.tfevents.{time.time_ns()}", "wb")  # noqa: SIM115  # see close
        self._records = RecordWriter(self._file)
        self._add(file_version="brain.Event:2")
        self._add(step=step + 1, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))

    def write(self, step: int, values: dict[str, float]) -> None:
        """One point on the curve of each value."""
        points = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._add(step=step, summary=self._summary(value=points))

    def close(self) -> None:
        self._file.close()

    def _add(self, **fields: Any) -> None:
        self._records.write(self._event(wall_time=time.time(), **fields).SerializeToString())
        self._records.flush()
