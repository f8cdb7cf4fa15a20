"""How well does a surrogate stand in for the predictor? On what it was not fitted to: on itself any looks good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from fewsight.explain.explanation import Measure
from fewsight.explain.quadrature import resolution
from fewsight.explain.statistics import mean_interval

FOLDS = 10
FAITHFUL = 0.7
"""R2 from which a surrogate stands for the predictor."""

Predict = Callable[[np.ndarray], np.ndarray]
Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Predict]
"""Features `(M, F)`, values and weights `(M,)` to a predictor."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows of values `y` and weights, and what a fit without the fold of each row predicts for it, all `(M,)`."""

    y: np.ndarray
    predicted: np.ndarray
    fold: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, fit: Fit, weight: np.ndarray | None = None) -> Self:
        """By cross-validation over features `(M, F)`; without weights all rows weigh the same."""
        weight = np.ones(len(y)) if weight is None else weight
        folds = min(FOLDS, len(y) // 2)
        fold = np.random.default_rng(0).permutation(len(y)) % folds
        predicted = np.empty(len(y))
        for k in range(folds):
            out = fold == k
            predicted[out] = fit(x[~out], y[~out], weight[~out])(x[out])
        return cls(y, predicted, fold, weight)

    def r2(self, meaning: str) -> Measure:
        """The share of the variance of y that is predicted: mean and 95 % interval over the folds."""
        mean = np.average(self.y, weights=self.weight)
        spread = np.average(np.square(self.y - mean), weights=self.weight)
        if spread < resolution(float(np.abs(self.y).max())) ** 2:
            return Measure("held-out R2", float("nan"), None, None, f"{meaning}; not defined: F does not vary")
        value, interval = mean_interval(1 - self._by_fold(np.square(self.predicted - self.y)) / spread)
        return Measure("held-out R2", value, interval, value >= FAITHFUL, meaning)

    def agreement(self, meaning: str) -> Measure:
        """The share of rows for which y is predicted on the right side of 0: mean and 95 % interval over the folds."""
        value, interval = mean_interval(self._by_fold((self.predicted > 0) == (self.y > 0)))
        return Measure("held-out agreement", value, interval, None, meaning)

    def _by_fold(self, rows: np.ndarray) -> np.ndarray:
        """The mean of each fold's rows."""
        outs = [self.fold == k for k in range(self.fold.max() + 1)]
        return np.array([np.average(rows[out], weights=self.weight[out]) for out in outs])


def least_squares(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Intercept and coefficients, `(1 + F,)`."""
    root = np.sqrt(weight)[:, None]
    return np.linalg.lstsq(root * np.column_stack([np.ones(len(x)), x]), root[:, 0] * y, rcond=None)[0]
