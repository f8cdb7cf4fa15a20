"""A surrogate is never judged on what it was fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from fewsight.explain.held_out import FOLDS, HeldOut, Predict


def test_the_figure_is_not_that_of_the_fit() -> None:
    """As many features as rows fit noise perfectly; held out they explain nothing."""
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((60, 55)), generator.standard_normal(60)

    def fit(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> Predict:
        found = np.linalg.lstsq(x, y, rcond=None)[0]
        return lambda new: new @ found

    measure = HeldOut.of(x, y, fit).r2("")
    assert measure.value < 0
    assert measure.passed is False


def test_both_figures_by_their_definition() -> None:
    """The mean of the other folds, as the surrogate: every row is predicted without its fold, once."""
    generator = np.random.default_rng(1)
    x, y = generator.standard_normal((40, 1)), generator.standard_normal(40) + 1
    found = HeldOut.of(x, y, lambda x, y, w: lambda new: np.full(len(new), y.mean()))
    assert np.bincount(found.fold).tolist() == [40 // FOLDS] * FOLDS
    for row in range(40):
        assert found.predicted[row] == pytest.approx(y[found.fold != found.fold[row]].mean())
    assert found.r2("").value == pytest.approx(1 - np.square(found.predicted - y).mean() / y.var())
    assert found.agreement("").value == pytest.approx(((found.predicted > 0) == (y > 0)).mean())
