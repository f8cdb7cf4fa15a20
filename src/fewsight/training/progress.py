"""What does one see of a training? Loss, accuracy, speed and time left: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from fewsight.metrics import METRICS

QUIET_SECONDS = 10.0
"""Plain lines come at most this often."""


class Progress:
    """Shows the progress of `steps` steps on the standard error; silent when not `shown`.

    Args:
        done: steps that an earlier part of the run took.
        metric: "accuracy" or "squared error"; see `fewsight.metrics`. None: the loss alone.
    """

    def __init__(self, steps: int, done: int, metric: str | None, shown: bool = True) -> None:
        self.steps, self.metric, self.shown = steps, metric, shown
        self._bar: Any = None
        self._averages: dict[str, float] = {}
        self._last_step = self._last_line = time.monotonic()
        if shown:
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False)
            if self._console.is_terminal:
                from rich.progress import BarColumn, TextColumn
                from rich.progress import Progress as Bar

                self._bar = Bar(BarColumn(), TextColumn("{task.description}"), console=self._console)
                self._row = self._bar.add_task("starting", total=steps, completed=done)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, step: int, tasks: int, loss: float, metric: float = 0.0) -> None:
        """One more step was taken, on `tasks` tasks; running averages are shown."""
        if not self.shown:
            return
        now = time.monotonic()
        for name, value in {"seconds": now - self._last_step, "loss": loss, "metric": metric}.items():
            self._averages[name] = 0.95 * self._averages.get(name, value) + 0.05 * value
        self._last_step = now
        if self._bar is not None:
            self._bar.update(self._row, completed=step, description=self._line(step, tasks))
        elif now - self._last_line >= QUIET_SECONDS or step == self.steps:
            self._last_line = now
            self.say(self._line(step, tasks))

    def say(self, text: str) -> None:
        """A line that stays."""
        if self.shown:
            self._console.print(text, markup=False, soft_wrap=True)

    def _line(self, step: int, tasks: int) -> str:
        seconds = self._averages["seconds"]
        minutes, rest = divmod(round((self.steps - step) * seconds), 60)
        judged = self.metric and f"{self.metric} {METRICS[self.metric].shown(self._averages['metric'])}  "
        return (
            f"step {step}/{self.steps}  loss {self._averages['loss']:.4f}  {judged or ''}"
            f"{tasks / max(seconds, 1e-9):.1f} tasks/s  {minutes}:{rest:02d} left"
        )
