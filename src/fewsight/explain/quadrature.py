"""How is a derivative added up along a straight path, and how wrong is the sum? By panels that know their own error.

Attributions are integrals of a gradient whose sum over players is dF/da. On each panel [a, b] that sum must integrate to
F(b) - F(a), so a panel that meets a kink (a ReLU) is seen, and bisected until the kink costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

NODES = 16
"""Gauss-Legendre nodes of a panel: exact for polynomials of degree 31."""
PANELS = 64
"""Panels at most."""


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
    bound: float = 1e-4,
) -> Integral:
    """The integral of `gradient` over [0, 1], refined until it misses F(1) - F(0) by less than `bound` of it.

    Args:
        gradient: points `(M,)` to each player's share of dF/da, `(M, P)`.
        value: points `(M,)` to F, `(M,)`.
        panels: the most panels; at this number it stops, whatever the error.
    """
    points, weights = np.polynomial.legendre.leggauss(nodes)
    start, end = value(np.array([0.0, 1.0])).tolist()
    allowed = bound * max(abs(end - start), resolution(start, end))
    pending = np.array([[0.0, 1.0]])
    ends = np.array([[start, end]])
    total, done, evaluations = 0.0, 0, 0
    while True:
        width = pending[:, 1] - pending[:, 0]
        where = pending[:, :1] + width[:, None] * (points + 1) / 2
        evaluations += where.size
        slopes = gradient(where.reshape(-1)).reshape(*where.shape, -1)
        parts = np.einsum("mnp,n,m->mp", slopes, weights / 2, width)
        wrong = np.abs(parts.sum(1) - (ends[:, 1] - ends[:, 0]))
        bad = wrong > allowed * np.maximum(width, 1 / panels)
        if not bad.any() or done + len(pending) + bad.sum() > panels:
            total = total + parts.sum(0)
            break
        total = total + parts[~bad].sum(0)
        done += int((~bad).sum())
        middle = pending[bad].mean(1)
        between = value(middle)
        low = np.stack([pending[bad, 0], middle], 1), np.stack([ends[bad, 0], between], 1)
        high = np.stack([middle, pending[bad, 1]], 1), np.stack([between, ends[bad, 1]], 1)
        pending, ends = np.concatenate([low[0], high[0]]), np.concatenate([low[1], high[1]])
    values = np.asarray(total)
    return Integral(values, start, end, float(abs(values.sum() - (end - start))), evaluations)


def resolution(*values: float) -> float:
    """The smallest change of F that means anything beside values of this size: below it all is rounding."""
    return 1e-6 * max(1.0, *map(abs, values))


def residual(values: np.ndarray, value: float, baseline: float) -> float:
    """|sum of values - (value - baseline)| / |value - baseline|, the denominator no less than `resolution`."""
    change = value - baseline
    return float(abs(values.sum() - change) / max(abs(change), resolution(value, baseline)))
