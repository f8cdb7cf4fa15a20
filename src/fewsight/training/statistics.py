"""What do scores of many tasks say? A mean, how far to trust it, and whether stated confidence is deserved."""

from __future__ import annotations

import numpy as np


def interval(values: np.ndarray) -> float:
    """Half width of the 95 % interval of the mean of n >= 2 independent values: 1.96 standard deviations / sqrt(n)."""
    return float(1.96 * np.std(values, ddof=1) / np.sqrt(len(values)))


def calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error, from 0 (a stated confidence p is right a share p of the time) to 1.

    Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3: predictions are sorted by confidence into
    `bins` intervals ((m - 1) / bins, m / bins], and |mean correctness - mean confidence| is averaged over them, each
    weighted by its number of predictions.

    Args:
        confidence: probability of the predicted class, `(n,)`.
        correct: whether it was right, `(n,)`.
    """
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(place, weights=correct - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))
