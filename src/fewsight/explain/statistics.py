"""How alike are two explanations, and how sure is a mean? Figures that say when they are not defined."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from fewsight.explain.game import half_width

AGREEMENT = 0.7
"""Rank correlation from which two explanations say the same: they share half of the variance of their ranks (.7^2)."""
FEWEST = 4
"""Players below which a rank correlation says nothing: three of them agree by chance in one case of six."""

Interval = tuple[float, float]


def rank_correlation(a: np.ndarray, b: np.ndarray, strata: np.ndarray | None = None) -> float:
    """Spearman's rank correlation of two arrays of one shape; NaN where it is not defined.

    Not defined: fewer than `FEWEST` players that both have a number, or one side constant. Players that are exactly 0
    on both sides are left out: that they agree says nothing (the empty background of an image, classes not compared).

    Args:
        strata: a group for each player; ranks are then compared only within groups.
    """
    a, b = a.reshape(-1), b.reshape(-1)
    keep = np.isfinite(a) & np.isfinite(b) & ((a != 0) | (b != 0))
    group = np.zeros(keep.sum(), dtype=int) if strata is None else strata.reshape(-1)[keep]
    a, b = _ranks_within(a[keep], group), _ranks_within(b[keep], group)
    spread = np.sqrt((a @ a) * (b @ b))
    if len(a) < FEWEST or spread < 1e-12:
        return float("nan")
    return float(a @ b / spread)


def correlation_interval(rho: float, players: int) -> Interval | None:
    """95 % interval of a rank correlation of so many players. Fieller, Hartley & Pearson 1957."""
    if np.isnan(rho) or players <= 3:
        return None
    center, half = (
        np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12)),
        NormalDist().inv_cdf(0.975) * np.sqrt(1.06 / (players - 3)),
    )
    return float(np.tanh(center - half)), float(np.tanh(center + half))


def mean_interval(samples: np.ndarray) -> tuple[float, Interval | None]:
    """Mean and its 95 % interval by Student's t; no interval for a single sample, NaN for none."""
    samples = samples[np.isfinite(samples)]
    if not samples.size:
        return float("nan"), None
    mean, half = float(samples.mean()), float(half_width(samples))
    return mean, None if samples.size < 2 else (mean - half, mean + half)


def _ranks_within(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Average ranks within each group, centred there, scaled to the group's size so that groups weigh alike."""
    ranks = np.zeros(len(values))
    for g in np.unique(group):
        here = group == g
        _, inverse, counts = np.unique(values[here], return_inverse=True, return_counts=True)
        last = counts.cumsum()
        average = last - (counts - 1) / 2
        ranks[here] = average[inverse] - (here.sum() + 1) / 2
    return ranks
