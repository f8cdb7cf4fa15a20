"""Is a learned optimizer better than hand-made ones? On problems that neither has seen, their rates tuned on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from fewsight.inner import LearnedOptimizer, named
from fewsight.inner.families import Family
from fewsight.inner.problems import Problems, Rule, reached
from fewsight.training.statistics import interval

SCHEMA = "fewsight.race/1"
GRID = [10 ** (k / 4) for k in range(-14, 5)]
"""Learning rates that the hand-made optimizers choose from."""
OTHERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam")
LEARNED, UNTRAINED = "learned", "learned, before training"
VALIDATION, TEST = 1_000_000, 2_000_000
"""Seeds of the problems on which rates are chosen, and of those on which all are judged; no training draws them."""


@dataclass(frozen=True, eq=False)
class Race:
    """What each optimizer reached.

    Attributes:
        losses: by optimizer, the learned one first: the last loss of each problem on all its data, `(problems,)`.
        rates: the learning rate that each hand-made one chose.
        start: mean loss at the start.
        protocol: what must be the same to compare with another figure.
    """

    losses: dict[str, np.ndarray]
    rates: dict[str, float]
    start: float
    protocol: dict[str, Any] = field(default_factory=dict)

    @property
    def lost_to(self) -> list[str]:
        """The hand-made optimizers with a smaller mean loss, best first."""
        means = {name: float(values.mean()) for name, values in self.losses.items()}
        return sorted((name for name in self.rates if means[name] < means[LEARNED]), key=lambda name: means[name])

    def figures(self) -> dict[str, dict[str, Any]]:
        """By optimizer: mean and median loss, and how much more than the learned one's, with 95 % intervals."""
        found = {}
        for name, values in self.losses.items():
            with np.errstate(invalid="ignore"):  # where both diverged
                more = values - self.losses[LEARNED]
            found[name] = {
                "rate": self.rates.get(name),
                "mean": _finite(values.mean()),
                "interval": _half(values),
                "median": _finite(np.median(values)),
                "more": None if name == LEARNED else _finite(more.mean()),
                "more_interval": None if name == LEARNED else _half(more),
            }
        return found

    def table(self) -> str:
        """The outcome as text; first of all the hand-made optimizers that won."""
        lines = [f"THE LEARNED OPTIMIZER LOSES to {name} tuned on a grid" for name in self.lost_to]
        lines.append(f"last loss of {len(self.losses[LEARNED])} unseen problems, mean and 95 % interval; median")
        width = max(map(len, self.losses))
        lines.append(f"  {'at the start':<{width}}  {self.start:.4g}")
        for name, found in self.figures().items():
            rate = "" if found["rate"] is None else f"  learning rate {found['rate']:.2g}"
            lines.append(f"  {name:<{width}}  {_figure(found, 'mean', 'interval')}; {found['median']:.4g}{rate}")
        return "\n".join([*lines, "protocol: " + ", ".join(f"{key} {value}" for key, value in self.protocol.items())])

    def markdown(self) -> list[str]:
        """The outcome as the lines of a table for documentation."""
        lines = [
            "| optimizer | learning rate | mean final loss | median | more than the learned one |",
            "|---|---:|---:|---:|---:|",
        ]
        for name, found in self.figures().items():
            rate = "" if found["rate"] is None else f"{found['rate']:.2g}"
            more = "" if name == LEARNED else _figure(found, "more", "more_interval")
            mean = _figure(found, "mean", "interval")
            lines.append(f"| {name} | {rate} | {mean} | {found['median']:.4g} | {more} |")
        return lines

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`; None for what is not finite."""
        return {
            "schema": SCHEMA,
            "start": self.start,
            "optimizers": self.figures(),
            "lost_to": self.lost_to,
            "protocol": self.protocol,
            "losses": {name: [_finite(value) for value in values] for name, values in self.losses.items()},
        }


def race(
    rule: LearnedOptimizer,
    untrained: LearnedOptimizer,
    family: Family,
    *,
    problems: int,
    steps: int = 100,
    others: Sequence[str] = OTHERS,
) -> Race:
    """Let `rule` and the `others` solve the same unseen problems, at least `problems` of them.

    The others choose their learning rates by the mean loss on as many validation problems. What diverges on a problem
    has an infinite loss there.
    """

    def drawn(seed: int) -> list[Problems]:
        draw, found, count = torch.Generator().manual_seed(seed), [], 0
        while count < problems:
            found.append(family(draw))
            count += len(next(iter(found[-1].start.values())))
        return found

    def ends(rule: Rule, sets: list[Problems]) -> np.ndarray:
        return torch.cat([reached(rule, one, steps) for one in sets]).double().numpy()

    validation, test = drawn(VALIDATION), drawn(TEST)
    start = torch.cat([one.losses(one.start).detach() for one in test])
    losses, rates = {LEARNED: ends(rule, test), UNTRAINED: ends(untrained, test)}, {}
    for other in others:
        scores = {rate: ends(named(other, rate), validation).mean() for rate in GRID}
        rates[other] = min(scores, key=lambda rate: scores[rate])
        losses[other] = ends(named(other, rates[other]), test)
    protocol = {"problems": len(start), "steps": steps, "rates": f"{len(GRID)} from {GRID[0]:.2g} to {GRID[-1]:.2g}"}
    return Race(losses, rates, float(start.mean()), protocol)


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _half(values: np.ndarray) -> float | None:
    return _finite(interval(values)) if np.isfinite(values).all() else None


def _figure(found: dict[str, Any], mean: str, half: str) -> str:
    return "diverged" if found[mean] is None or found[half] is None else f"{found[mean]:.4g} ± {found[half]:.2g}"
