"""What came out of a test? Scores of learner and baselines task by task, and the protocol they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fewsight.training.scoring import better
from fewsight.training.statistics import interval

SCHEMA = "fewsight.evaluation/1"
LEARNER = "learner"
UNADAPTED = "un-adapted learner"


@dataclass(frozen=True, eq=False)
class Report:
    """The outcome of `evaluate`.

    Attributes:
        metric: "accuracy" (0 to 1) or "squared error".
        scores: of each method, one value for each task, `(tasks,)`; the learner's comes first.
        tasks: names of the tasks.
        calibration_error: over all queries; None in regression.
        label_order_sd: standard deviation of a task's accuracy when its classes are renumbered, mean over some tasks;
            None in regression.
        protocol: all that must be the same to compare with another figure.
        notes: what was left out, and why.
    """

    metric: str
    scores: dict[str, np.ndarray]
    tasks: tuple[str, ...]
    calibration_error: float | None = None
    label_order_sd: float | None = None
    protocol: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """Mean score of the learner."""
        return float(self.scores[LEARNER].mean())

    @property
    def interval(self) -> float:
        """Half width of its 95 % interval."""
        return interval(self.scores[LEARNER])

    @property
    def lost_to(self) -> list[str]:
        """The baselines that did better than the learner on the same tasks, best first."""
        means = {name: float(values.mean()) for name, values in self.scores.items()}
        won = [name for name in means if better(self.metric, means[name], self.mean)]
        return sorted(won, key=lambda name: means[name], reverse=self.metric == "accuracy")

    def table(self) -> str:
        """The report as text; first of all the baselines that won."""
        lines = []
        for name in self.lost_to:
            difference = self.scores[name] - self.scores[LEARNER]
            lines.append(f"THE LEARNER LOSES to {name}, by {self._figure(difference)} on the same tasks")
        lines.append(f"{self.metric} on {len(self.tasks)} tasks, mean and 95 % interval")
        width = max(len(name) for name in self.scores)
        lines += [f"  {name:<{width}}  {self._figure(values)}" for name, values in self.scores.items()]
        if self.calibration_error is not None:
            lines.append(f"expected calibration error: {self.calibration_error:.3f}")
        if self.label_order_sd is not None:
            lines.append(f"standard deviation of accuracy over label orders: {100 * self.label_order_sd:.2f} %")
        lines.append("protocol: " + ", ".join(f"{key} {value}" for key, value in self.protocol.items()))
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`."""
        return {
            "schema": SCHEMA,
            "metric": self.metric,
            "mean": self.mean,
            "interval": self.interval,
            "methods": {
                name: {"mean": float(values.mean()), "interval": interval(values)}
                for name, values in self.scores.items()
            },
            "lost_to": self.lost_to,
            "calibration_error": self.calibration_error,
            "label_order_sd": self.label_order_sd,
            "protocol": self.protocol,
            "notes": list(self.notes),
            "tasks": [
                {"task": task} | {name: float(values[index]) for name, values in self.scores.items()}
                for index, task in enumerate(self.tasks)
            ],
        }

    def _figure(self, values: np.ndarray) -> str:
        if self.metric == "accuracy":
            return f"{100 * values.mean():.2f} % ± {100 * interval(values):.2f}"
        return f"{values.mean():.4f} ± {interval(values):.4f}"
