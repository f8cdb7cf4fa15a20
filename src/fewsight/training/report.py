"""What came out of a test? Scores of learner and baselines task by task, and the protocol they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fewsight.metrics import METRICS
from fewsight.training.statistics import interval

SCHEMA = "fewsight.evaluation/1"
LEARNER = "learner"
UNADAPTED = "un-adapted learner"


@dataclass(frozen=True, eq=False)
class Report:
    """The outcome of `evaluate`.

    Attributes:
        scores: by metric (the main one first) and method (the learner first): one value for each task, `(tasks,)`, NaN
            where the metric is not defined on a task.
        tasks: names of the tasks.
        calibration_error: over all queries; None in regression.
        label_order_sd: standard deviation of a task's accuracy when its classes are renumbered, mean over some tasks;
            None in regression.
        protocol: all that must be the same to compare with another figure.
        notes: what was left out, and why.
    """

    scores: dict[str, dict[str, np.ndarray]]
    tasks: tuple[str, ...]
    calibration_error: float | None = None
    label_order_sd: float | None = None
    protocol: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def metric(self) -> str:
        """The main metric, a name in `fewsight.metrics`."""
        return next(iter(self.scores))

    @property
    def main(self) -> dict[str, np.ndarray]:
        """Scores by method under the main metric."""
        return self.scores[self.metric]

    @property
    def mean(self) -> float:
        """Mean score of the learner."""
        return float(np.nanmean(self.main[LEARNER]))

    @property
    def interval(self) -> float:
        """Half width of its 95 % interval."""
        return interval(_defined(self.main[LEARNER]))

    @property
    def lost_to(self) -> list[str]:
        """The baselines that did better than the learner on the same tasks by the main metric, best first."""
        means, better = {name: float(np.nanmean(values)) for name, values in self.main.items()}, METRICS[self.metric]
        won = [name for name in means if better.better(means[name], self.mean)]
        return sorted(won, key=lambda name: means[name], reverse=better.rises)

    def table(self) -> str:
        """The report as text; first of all the baselines that won."""
        lines = []
        for name in self.lost_to:
            difference = self.main[name] - self.main[LEARNER]
            lines.append(f"THE LEARNER LOSES to {name}, by {_figure(self.metric, difference)} on the same tasks")
        width = max(len(name) for name in self.main)
        for metric, methods in self.scores.items():
            lines.append(f"{metric} on {len(_defined(methods[LEARNER]))} tasks, mean and 95 % interval")
            lines += [f"  {name:<{width}}  {_figure(metric, values)}" for name, values in methods.items()]
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
            "methods": _summary(self.main),
            "also": {metric: _summary(methods) for metric, methods in self.scores.items() if metric != self.metric},
            "lost_to": self.lost_to,
            "calibration_error": self.calibration_error,
            "label_order_sd": self.label_order_sd,
            "protocol": self.protocol,
            "notes": list(self.notes),
            "tasks": [
                {"task": task} | {name: _plain(values[index]) for name, values in self.main.items()}
                for index, task in enumerate(self.tasks)
            ],
        }


def _summary(methods: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    return {
        name: {"mean": float(np.nanmean(values)), "interval": interval(_defined(values))}
        for name, values in methods.items()
    }


def _defined(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _figure(metric: str, values: np.ndarray) -> str:
    values = _defined(values)
    if METRICS[metric].percent:
        return f"{100 * values.mean():.2f} % ± {100 * interval(values):.2f}"
    return f"{values.mean():.4f} ± {interval(values):.4f}"
