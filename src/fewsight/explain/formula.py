"""How is a formula for an update rule fitted and scored? By sums over trajectories, and terms added one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fewsight.explain.terms import Signals, Term, Watcher
from fewsight.inner import InnerOptimizer, Parameters
from fewsight.inner.problems import Step, each


@dataclass(frozen=True, eq=False)
class Formula:
    """step = sum of coefficients times terms; `optimizer` is the formula at work.

    Attributes:
        terms: of the library.
        coefficients: one for each.
        watcher: keeps the running sums that they need.
    """

    terms: tuple[Term, ...]
    coefficients: tuple[float, ...]
    watcher: Watcher

    def __str__(self) -> str:
        signed = [f"{c:+.4g} {term.text}" for c, term in zip(self.coefficients, self.terms, strict=True)]
        return "step = " + (" ".join(signed) or "0")

    def step(self, signals: Signals) -> Tensor:
        """What it adds to one tensor of parameters."""
        parts = [c * term.of(signals) for c, term in zip(self.coefficients, self.terms, strict=True)]
        return torch.stack(parts).sum(0) if parts else torch.zeros_like(signals.theta)

    @property
    def optimizer(self) -> InnerOptimizer:
        """An optimizer like any other."""

        def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
            signals, state = self.watcher.see(gradients, state, parameters)
            return {name: value + self.step(signals[name]) for name, value in parameters.items()}, state

        return InnerOptimizer(self.watcher.init, update)


class Moments(NamedTuple):
    """Sums over all numbers and steps: of products of terms `(m, m)`, of terms with steps `(m,)`, of squared steps."""

    terms: np.ndarray
    cross: np.ndarray
    square: float
    total: float

    def r2(self, chosen: list[int], coefficients: np.ndarray) -> float:
        """Share of the variance of the steps that a formula explains."""
        inner = self.terms[np.ix_(chosen, chosen)]
        error = self.square - 2 * coefficients @ self.cross[chosen] + coefficients @ inner @ coefficients
        return 1 - float(error) / self.total

    def fit(self, chosen: list[int]) -> np.ndarray:
        """Least-squares coefficients of these terms."""
        size = np.sqrt(np.diag(self.terms)[chosen]).clip(1e-150)
        inner = self.terms[np.ix_(chosen, chosen)] / np.outer(size, size)
        return np.linalg.lstsq(inner, self.cross[chosen] / size, rcond=1e-11)[0] / size


def moments(terms: tuple[Term, ...], watcher: Watcher, steps: Iterable[Step]) -> Moments:
    """Sums along the trajectories of a batch of problems, in float64."""
    many = len(terms)
    inner, cross, square, plain, count = np.zeros((many, many)), np.zeros(many), 0.0, 0.0, 0
    for signals, taken in observed(watcher, steps):
        for name, signal in signals.items():
            y = taken[name].reshape(-1).numpy()
            x = np.stack([term.of(signal).expand_as(taken[name]).reshape(-1).numpy() for term in terms], 1)
            inner += x.T @ x
            cross += x.T @ y
            square, plain, count = square + y @ y, plain + y.sum(), count + len(y)
    return Moments(inner, cross, square, max(square - plain**2 / max(count, 1), 1e-300))


def forward_selection(fit: Moments, held: Moments, most: int) -> list[tuple[list[int], np.ndarray, float]]:
    """The best formula found of 1, 2, ... `most` terms: terms, coefficients, R2 on held-out trajectories."""
    chosen: list[int] = []
    found = []
    for _ in range(most):
        rest = [i for i in range(len(fit.cross)) if i not in chosen]
        scores = [fit.r2([*chosen, i], fit.fit([*chosen, i])) for i in rest]
        chosen = [*chosen, rest[int(np.argmax(scores))]]
        coefficients = fit.fit(chosen)
        found.append((chosen, coefficients, held.r2(chosen, coefficients)))
    return found


def r2_by_problem(formula: Formula, steps: Iterable[Step]) -> tuple[float, np.ndarray]:
    """R2 of a formula's steps over all problems together, and within each, `(B,)`."""
    parts = []
    for signals, taken in observed(formula.watcher, steps):
        for name, signal in signals.items():
            y, error = taken[name].flatten(1), (taken[name] - formula.step(signal)).flatten(1)
            size = torch.full((len(y),), y.shape[1])
            parts.append(torch.stack([error.square().sum(1), y.square().sum(1), y.sum(1), size]))
    wrong, square, plain, count = torch.stack(parts).sum(0).numpy()
    pooled = 1 - wrong.sum() / max(square.sum() - plain.sum() ** 2 / count.sum(), 1e-300)
    return float(pooled), 1 - wrong / (square - plain**2 / count).clip(1e-300)


def observed(watcher: Watcher, steps: Iterable[Step]) -> Iterable[tuple[dict[str, Signals], Parameters]]:
    """Along trajectories, in float64: the signals of each tensor of parameters, and the step that was taken."""
    state: Any = None
    for before, gradients, after in steps:
        before, gradients, after = (
            {n: v.detach().double() for n, v in part.items()} for part in (before, gradients, after)
        )
        state = watcher.init(before) if state is None else state
        signals, state = each(watcher.see)(gradients, state, before)
        yield signals, {name: after[name] - value for name, value in before.items()}
