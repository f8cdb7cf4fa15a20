"""How are points drawn? On a plane, each name where it covers least; a path over the heights it crosses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fewsight.explain.plot.ink import AGAINST, FOR, short

if TYPE_CHECKING:
    from fewsight.explain.explanation import Explanation

SIDES = {"left": 1, "right": -1, "center": 0}
"""Where a text that is aligned so lies beside its point: to the right of it, to the left, on it."""
LETTER, LINE, DOT = 2.7, 6.0, 4.0
"""Width of a letter, height of a line and radius of a point with its margin, in points of print."""


@dataclass(frozen=True)
class Plane:
    """Points `(P, 2)` with their names; a path over the heights that the provenance holds, where it holds any."""

    points: np.ndarray
    names: tuple[str, ...]
    explanation: Explanation

    def height(self, width: float) -> float:
        return 0.85 * width

    def draw(self, axes: Any) -> None:
        plane = self.explanation.provenance.get("plane")
        if plane is not None:
            lines = axes.contour(plane["across"], plane["up"], plane["loss"], levels=8, colors="0.7", linewidths=0.6)
            axes.clabel(lines, fontsize=5, fmt="%.3g")
            axes.plot(*self.points.T, color=FOR, linewidth=1)
            axes.set_aspect("equal")
        else:
            axes.set_aspect("equal", adjustable="datalim")
            axes.margins(0.12)
        last = [name == self.names[-1] for name in self.names]
        first = [name.startswith("prototype of ") for name in self.names]
        for marker, color, size, chosen in (
            ("o", FOR, 14, ~np.logical_or(last, first)),
            ("s", "black", 18, np.array(first)),
            ("*", AGAINST, 50, np.array(last)),
        ):
            axes.scatter(*self.points[chosen].T, marker=marker, color=color, s=size, zorder=3)
        between = (self.points[1:] + self.points[:-1]) / 2 if plane is not None else self.points[:0]
        _labels(axes, self.points, [short(name) for name in self.names], between)


def _labels(axes: Any, points: np.ndarray, names: list[str], others: np.ndarray) -> None:
    """Each name beside its point, on the side where it covers least of the points, the `others` and earlier names."""
    axes.figure.draw_without_rendering()  # so that places on the page are known
    at, there = (axes.transData.transform(some) * 72 / axes.figure.dpi for some in (points, others.reshape(-1, 2)))
    taken = [_box(x, y, 2 * DOT, 2 * DOT) for x, y in [*at, *there]]
    inside = tuple(axes.get_window_extent().extents * 72 / axes.figure.dpi)
    for point, (x, y), name in zip(points, at, names, strict=True):
        wide = LETTER * len(name)
        boxes = {
            (across, up): _box(x + SIDES[across] * (DOT + wide / 2), y + up * (DOT + LINE / 2), wide, LINE)
            for up in (0, 1, -1)
            for across in SIDES
            if up or across != "center"
        }
        across, up = min(
            boxes, key=lambda side: sum(_overlap(boxes[side], other) for other in taken) - _overlap(boxes[side], inside)
        )
        taken.append(boxes[across, up])
        axes.annotate(
            name,
            point,
            (SIDES[across] * DOT, up * DOT),
            textcoords="offset points",
            ha=across,
            va={0: "center", 1: "bottom", -1: "top"}[up],
            fontsize=5,
        )


def _box(x: float, y: float, wide: float, high: float) -> tuple[float, float, float, float]:
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
