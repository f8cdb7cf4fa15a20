"""Interval and calibration error against hand computation and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from fewsight.training.statistics import calibration_error, interval


def test_interval_by_hand() -> None:
    """Values 1, 2, 3, 4: variance (2.25 + .25 + .25 + 2.25) / 3."""
    assert interval(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(1.96 * np.sqrt(5 / 3) / 2)


def test_interval_covers_the_mean_in_95_of_100_experiments() -> None:
    draws = np.random.default_rng(0).random((4000, 100))
    covered = [abs(row.mean() - 0.5) <= interval(row) for row in draws]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)


def test_calibration_error_by_hand() -> None:
    """Two bins of 15 are hit: .9 and .92 (one of two right), .5 (right); (2 |.5 - .91| + |1 - .5|) / 3."""
    found = calibration_error(np.array([0.9, 0.92, 0.5]), np.array([1.0, 0.0, 1.0]))
    assert found == pytest.approx((2 * 0.41 + 0.5) / 3)


def test_bins_are_closed_above() -> None:
    """1/15 belongs to the first bin with .01, so their errors +.9 and -.1 partly cancel there."""
    edge = calibration_error(np.array([1 / 3, 0.27]), np.array([1.0, 0.0]), bins=3)
    assert edge == pytest.approx(abs(1 - 1 / 3 - 0.27) / 2)
    above = calibration_error(np.array([1 / 3 + 1e-6, 0.27]), np.array([1.0, 0.0]), bins=3)
    assert above == pytest.approx((2 / 3 + 0.27) / 2, abs=1e-5)


@pytest.mark.parametrize(("confidence", "right", "expected"), [(1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.0, 0.0, 0.0)])
def test_the_extremes(confidence: float, right: float, expected: float) -> None:
    assert calibration_error(np.full(7, confidence), np.full(7, right)) == pytest.approx(expected)


def test_deserved_confidence_has_no_error_and_doubled_doubt_has() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 200_000)
    assert calibration_error(confidence, (rng.random(200_000) < confidence).astype(float)) < 0.005
    right = (rng.random(200_000) < confidence - 0.15).astype(float)
    assert calibration_error(confidence, right) == pytest.approx(0.15, abs=0.01)
