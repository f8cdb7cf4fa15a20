"""Rank correlations and intervals, and where they are not defined."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr, t

from fewsight.explain.statistics import correlation_interval, mean_interval, rank_correlation


def test_it_is_spearmans() -> None:
    generator = np.random.default_rng(0)
    for n in (4, 7, 50):
        a, b = generator.normal(size=n), generator.integers(0, 4, n).astype(float) + 1
        assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-14)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1.0, 2, 3], [1.0, 2, 3]),
        ([1.0, 2, 3, 4], [5.0, 5, 5, 5]),
        ([1.0, 2, 3, np.nan], [1.0, 2, 3, 4]),
        ([1.0, 2, 3, 0], [1.0, 2, 3, 0]),
    ],
    ids=["three players", "one side constant", "three numbers", "zero on both sides"],
)
def test_it_says_when_it_is_not_defined(a: list[float], b: list[float]) -> None:
    assert np.isnan(rank_correlation(np.array(a), np.array(b)))


def test_background_does_not_count_as_agreement() -> None:
    """Two unrelated maps on the same ink agree on the empty paper, which says nothing."""
    generator = np.random.default_rng(1)
    a, b = np.zeros(500), np.zeros(500)
    a[:40], b[:40] = generator.uniform(1, 2, 40), generator.uniform(1, 2, 40)
    assert spearmanr(a, b).statistic > 0.7
    assert abs(rank_correlation(a, b)) < 0.35


def test_strata_take_out_what_groups_have_in_common() -> None:
    """One group is far above the other on both sides; within them the order is opposite."""
    a = np.array([10.0, 11, 12, 1, 2, 3])
    b = np.array([12.0, 11, 10, 3, 2, 1])
    assert rank_correlation(a, b) > 0.5
    assert rank_correlation(a, b, np.array([0, 0, 0, 1, 1, 1])) == pytest.approx(-1)


def test_intervals_of_means_are_students() -> None:
    samples = np.array([0.1, 0.4, 0.2, 0.9, np.nan])
    mean, interval = mean_interval(samples)
    known = samples[:4]
    assert interval == pytest.approx(t.interval(0.95, 3, known.mean(), known.std(ddof=1) / 2))
    assert mean == pytest.approx(0.4)
    assert mean_interval(np.array([0.3])) == (0.3, None)
    assert np.isnan(mean_interval(np.array([np.nan]))[0])


def test_intervals_of_correlations_cover_the_truth() -> None:
    """Normal pairs of correlation .6: the rank correlation of the population is known, and the interval holds it."""
    truth = 6 / np.pi * np.arcsin(0.6 / 2)
    generator = np.random.default_rng(2)
    hits = 0
    for _ in range(400):
        x = generator.normal(size=25)
        y = 0.6 * x + 0.8 * generator.normal(size=25)
        low, high = correlation_interval(rank_correlation(x, y), 25) or (0, 0)
        hits += low <= truth <= high
    assert 0.91 <= hits / 400 <= 0.98
    assert correlation_interval(0.9, 3) is None
