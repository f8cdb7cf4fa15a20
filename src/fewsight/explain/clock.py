"""How is a budget of seconds kept? One clock for a whole analysis, asked wherever the learner is put to work.

`Case.frozen` asks it before each piece of work, and a bar of progress after each step of a long one. So what runs over
is stopped, `explain` says that it was left out, and the whole takes longer than asked by one such piece at most.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

LATE = "no time left of budget_seconds"
STOPPED = "stopped: it took its whole share of budget_seconds"


class OutOfTimeError(Exception):
    """The time for this piece of work is over. Never leaves `explain`."""


def now() -> float:
    """Seconds on a clock that only goes forward; the one place where an analysis reads the time."""
    return time.perf_counter()


class Clock:
    """What is left of the time for an analysis.

    Args:
        seconds: from now; by default nothing is ever stopped.
    """

    def __init__(self, seconds: float = inf) -> None:
        self.end = now() + seconds

    @property
    def left(self) -> float:
        return self.end - now()

    @property
    def why(self) -> str:
        """What is said of work that was stopped: whether others still have time."""
        return STOPPED if self.left > 0 else LATE

    def check(self) -> None:
        """Raise `OutOfTimeError` once the time is over."""
        if self.left <= 0:
            raise OutOfTimeError

    @contextmanager
    def share(self, part: float) -> Iterator[None]:
        """Inside, the time is over when this part of what is left now is spent."""
        whole = self.end
        self.end = now() + part * self.left if self.left > 0 else whole
        try:
            self.check()
            yield
        finally:
            self.end = whole
