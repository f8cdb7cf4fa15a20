"""How is a derivative added up along a straight path, and how wrong is the sum? By panels that know their own error.

Attributions are integrals of a gradient whose sum over players is dF/da. On each panel [a, b] that sum must integrate
to F(b) - F(a), so a panel that meets a kink (a ReLU) is seen, and bisected until the kink costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fewsight.explain.clock import OutOfTimeError

NODES = 16
"""Gauss-Legendre nodes of a panel: exact for polynomials of degree 31."""
PANELS = 16
"""Panels at most; each refinement halves the worst of them."""


@dataclass(frozen=True, eq=False)
class Integral:
    """Values `(P,)` of the players, F at both ends, |sum of values - change|, and how many gradients were evaluated."""

    values: np.ndarray
    start: float
    end: float
    error: float
    evaluations: int


def integrate(
    gradient: Callable[[np.ndarray], np.ndarray],
    value: Callable[[np.ndarray], np.ndarray],
    *,
    nodes: int = NODES,
    panels: int = PANELS,
    bound: float = 1e-3,
    stop: Callable[[], bool] = lambda: False,
) -> Integral:
    """The integral of `gradient` over [0, 1], refined until its panels miss F(1) - F(0) by less than `bound` of it.

    Args:
        gradient: points `(M,)` to each player's share of dF/da, `(M, P)`.
        value: points `(M,)` to F, `(M,)`.
        panels: the most panels; at this number it stops, whatever the error.
        stop: asked before each refinement; True ends it early, and so does running out of time within one.
    """
    points, weights = np.polynomial.legendre.leggauss(nodes)

    def measure(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The integral over each panel, `(panels, P)`."""
        where = low[:, None] + (high - low)[:, None] * (points + 1) / 2
        slopes = gradient(where.reshape(-1)).reshape(*where.shape, -1)
        return np.einsum("mnp,n,m->mp", slopes, weights / 2, high - low)

    ends = np.array([0.0, 1.0])
    heights = value(ends)
    parts = measure(ends[:-1], ends[1:])
    evaluations = nodes
    allowed = bound * max(abs(heights[-1] - heights[0]), resolution(heights[0], heights[-1]))
    while True:
        wrong = np.abs(parts.sum(1) - np.diff(heights))
        # The panels that hold more than their share of the error are halved, the worst first.
        worst = np.argsort(-wrong)[: panels - len(parts)]
        halved = np.sort(worst[wrong[worst] >= wrong.mean()])
        if wrong.sum() <= allowed or not halved.size or stop():
            break
        middle = (ends[halved] + ends[halved + 1]) / 2
        try:
            finer = measure(np.append(ends[halved], middle), np.append(middle, ends[halved + 1]))
            between = value(middle)
        except OutOfTimeError:
            break
        evaluations += 2 * nodes * len(halved)
        parts[halved] = finer[: len(halved)]
        parts = np.insert(parts, halved + 1, finer[len(halved) :], axis=0)
        heights = np.insert(heights, halved + 1, between)
        ends = np.insert(ends, halved + 1, middle)
    values = parts.sum(0)
    error = float(abs(values.sum() - (heights[-1] - heights[0])))
    return Integral(values, float(heights[0]), float(heights[-1]), error, evaluations)


def resolution(*values: float) -> float:
    """The smallest change of F that means anything beside values of this size: below it all is rounding."""
    return 1e-6 * max(1.0, *map(abs, values))


def residual(values: np.ndarray, value: float, baseline: float) -> float:
    """|sum of values - (value - baseline)| / |value - baseline|, the denominator no less than `resolution`."""
    change = value - baseline
    return float(abs(values.sum() - change) / max(abs(change), resolution(value, baseline)))
