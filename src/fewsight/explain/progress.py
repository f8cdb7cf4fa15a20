"""How does a long explanation say that it is alive? A bar on the terminal, once it has run for two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 2.0
"""Seconds of silence before the bar appears."""


class Bar:
    """Counts what is done; draws nothing until `PATIENCE` is over, and never where there is no terminal."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0
        self.started = time.monotonic()
        self.shown: Any = None

    def advance(self, steps: int) -> None:
        self.done += steps
        if self.shown is None and sys.stderr.isatty() and time.monotonic() - self.started > PATIENCE:
            from rich.console import Console
            from rich.progress import Progress

            self.shown = Progress(console=Console(stderr=True), transient=True)
            self.shown.add_task(self.title, total=self.total)
            self.shown.start()
        if self.shown is not None:
            self.shown.update(self.shown.task_ids[0], completed=self.done)


@contextmanager
def bar(title: str, total: int) -> Iterator[Bar]:
    current = Bar(title, total)
    try:
        yield current
    finally:
        if current.shown is not None:
            current.shown.stop()
