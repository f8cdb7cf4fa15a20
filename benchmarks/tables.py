"""How is a mean printed in the tables? With half of its 95 % interval beside it."""

from __future__ import annotations

import numpy as np

from fewsight.explain.statistics import mean_interval


def plus_minus(samples: np.ndarray, digits: int) -> str:
    """ "0.95 ± 0.02"; the mean alone where there is no interval, "-" where there is no mean."""
    mean, interval = mean_interval(samples)
    if np.isnan(mean):
        return "-"
    return f"{mean:.{digits}f}" + ("" if interval is None else f" ± {mean - interval[0]:.{digits}f}")
