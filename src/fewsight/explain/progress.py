"""How does a long explanation say that it is alive? Bars on the terminal, once the whole has run for two seconds.

Bars may lie within one another: the outermost says since when one waits, and all that are open are drawn below it.
Whatever is too short for a bar of its own keeps them moving by `tick`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fewsight.explain import clock

PATIENCE = 2.0
"""Seconds of silence before bars appear."""


class Bar:
    """Counts what is done; draws nothing until `PATIENCE` is over, and never where there is no terminal.

    Args:
        total: how many steps there are; None where that is not known.
        within: the bar that is open already.
        time: asked after each step but the last, so that what shows progress can be stopped.
    """

    def __init__(self, title: str, total: int | None, time: clock.Clock, within: Bar | None) -> None:
        self.title, self.total, self.time, self.within = title, total, time, within
        self.outermost: Bar = within.outermost if within else self
        self.done, self.started = 0, clock.now()
        self.screen: Any = None
        self.line: Any = None

    def advance(self, steps: int) -> None:
        self.done += steps
        self.draw()
        if self.total is None or self.done < self.total:
            self.time.check()

    def draw(self) -> None:
        screen = self.outermost.screen or self.outermost.opened()
        if screen is None:
            return
        if self.within is not None:
            self.within.draw()
        if self.line is None:
            self.line = screen.add_task(self.title, total=self.total)
        screen.update(self.line, description=self.title, completed=self.done)

    def opened(self) -> Any:
        """The terminal's display, if it is time for one."""
        if clock.now() - self.started > PATIENCE and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self.screen = Progress(console=Console(stderr=True), transient=True)
            self.screen.start()
        return self.screen

    def close(self) -> None:
        if self.screen is not None:
            self.screen.stop()
        elif self.line is not None:
            self.outermost.screen.remove_task(self.line)


_open: ContextVar[Bar | None] = ContextVar("open bar", default=None)


@contextmanager
def bar(title: str, total: int | None = None, time: clock.Clock | None = None) -> Iterator[Bar]:
    current = Bar(title, total, time or clock.Clock(), _open.get())
    before = _open.set(current)
    try:
        yield current
    finally:
        _open.reset(before)
        current.close()


def tick() -> None:
    """Something was done: draw the bars that are open, if any."""
    if (current := _open.get()) is not None:
        current.draw()
