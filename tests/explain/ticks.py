"""A clock that only work moves, so that what is decided by time can be tested without any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from fewsight.explain import clock, coalitions


class Ticks:
    """Stands in for `clock.now`.

    Args:
        alone, together: seconds for an adaptation by itself, and for a chunk of them, however many they are; or
             what each next one takes.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, alone: float | Iterable[float] = 0.0, together: float | Iterable[float] = 0.0
    ) -> None:
        self.patch, self.now = patch, 0.0
        patch.setattr(clock, "now", lambda: self.now)
        self.costs(coalitions, "_alone", alone)
        self.costs(coalitions, "_vectorised", together)

    def costs(self, owner: Any, name: str, seconds: float | Iterable[float]) -> None:
        """Let a call of `owner.name` take so many seconds."""
        done, taken = getattr(owner, name), _taken(seconds)

        def costly(*given: Any, **named: Any) -> Any:
            found = done(*given, **named)
            self.now += next(taken)
            return found

        self.patch.setattr(owner, name, costly)


def _taken(seconds: float | Iterable[float]) -> Iterator[float]:
    if not isinstance(seconds, float):
        yield from seconds
        raise AssertionError("more was done than the test foresaw")
    while True:
        yield seconds
