"""Which short line says what the adapted model says around the query? Few readable features, added up (C5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.held_out import HeldOut, Predict, least_squares
from fewsight.explain.neighbourhood import AROUND, Features, neighbourhood

FEATURES = 8
"""Features a line may have at most, so that it can be read."""


def sparse_linear(
    case: Case, features: Features | None = None, names: Sequence[str] | None = None, *, most: int = FEATURES
) -> Explanation:
    """Coefficients of a sparse linear rule for F around the query, `(F,)`, in units of F for one standard deviation.

    The Lasso with the weakest penalty that leaves `most` features, then least squares on these. Ribeiro et al., "Why
    Should I Trust You?", 2016, algorithm 1.

    Args:
        features: readable features of inputs `(M, ...)`; default the numbers of the query, or which of its patches or
            positions are shown.
        names: one for each feature, when `features` is given.
    """
    from sklearn.linear_model import lasso_path

    around = neighbourhood(case, features, names)

    def solve(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, float]:
        """The last point of the path with few enough features, refitted by least squares on these."""
        x_centered, y_centered = x - x.mean(0), y - y.mean()
        strongest = np.abs(x_centered.T @ y_centered).max() / len(y)
        if strongest < 1e-12:
            return np.zeros(x.shape[1]), float(y.mean())
        _, path, _ = lasso_path(x_centered, y_centered, alphas=strongest * np.logspace(0, -2, 50))
        few = np.flatnonzero((path != 0).sum(0) <= most)
        chosen = np.flatnonzero(path[:, few[-1]])
        found = least_squares(x[:, chosen], y, w)
        coefficients = np.zeros(x.shape[1])
        coefficients[chosen] = found[1:]
        return coefficients, float(found[0])

    def fit(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> Predict:
        coefficients, intercept = solve(x, y, w)
        return lambda new: new @ coefficients + intercept

    coefficients, intercept = solve(around.standard, around.earned, np.ones(len(around.earned)))
    used = np.flatnonzero(coefficients)
    return around.explanation(
        case,
        "sparse_linear",
        "Which few features of the query, added up, say what the adapted model says around it?",
        coefficients,
        (HeldOut.of(around.standard, around.earned, fit).r2(AROUND),),
        (f"A line of {len(used)} features out of {len(coefficients)}, for {around.what}.",),
        intercept=intercept,
    )
