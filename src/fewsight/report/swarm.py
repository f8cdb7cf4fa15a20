"""How is a bee-swarm drawn? A row for each support example, a dot for each query at what the one did to the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from fewsight.report.charts import Row, caption
from fewsight.report.svg import chart, element, percent

HEIGHT = 48
"""Height of a row in pixels."""
COLUMNS = 70
"""Columns into which dots are gathered; those of one column stand on top of each other."""
STEP = 5.0
"""Pixels between two dots of a column, as long as they fit the row."""
LABEL, PLOT = 0.35, 0.49
"""Shares of the width for the labels and for the dots."""


@dataclass(frozen=True)
class Swarm:
    """One row: its label, figure and picture, the effects `(Q,)`, and which queries are of the example's own class."""

    row: Row
    effects: np.ndarray
    own: np.ndarray


def swarm(name: str, title: str, description: str, rows: Sequence[Swarm]) -> Markup:
    """Rows of dots on one scale that includes 0. Full dots: queries of the example's own class; rings: of others."""
    ends = [0.0, *(float(end) for row in rows for end in (row.effects.min(), row.effects.max()))]
    low, span = min(ends), (max(ends) - min(ends)) or 1.0
    zero = percent(0.02 + 0.96 * (0 - low) / span)
    dots = [
        element("circle", cx=percent(x), cy=HEIGHT * (index + 0.5) + y, r=2.6, class_=look)
        for index, row in enumerate(rows)
        for x, y, look in _dots(row, low, span)
    ]
    plot = element(
        "svg",
        element("line", x1=zero, x2=zero, y1=0, y2="100%", class_="zero"),
        *dots,
        x=percent(LABEL),
        width=percent(PLOT),
        height="100%",
    )
    indent = 34 if any(row.row.picture for row in rows) else 0
    words = [
        part for index, row in enumerate(rows) for part in caption(row.row, HEIGHT * (index + 0.5) - 16, LABEL, indent)
    ]
    return chart(name, title, description, plot, *words, height=HEIGHT * len(rows))


def _dots(row: Swarm, low: float, span: float) -> list[tuple[float, float, str]]:
    """Horizontal share, vertical offset in pixels, and look of every dot."""
    places = np.round((row.effects - low) / span * COLUMNS).astype(int)
    stacks = Counter(places.tolist())
    step = {place: min(STEP, (HEIGHT - 8) / size) for place, size in stacks.items()}
    seen: Counter[int] = Counter()
    found = []
    for value, place, own in zip(row.effects.tolist(), places.tolist(), row.own.tolist(), strict=True):
        # The middle first, then up and down in turn.
        turn = seen[place]
        seen[place] += 1
        offset = step[place] * ((turn + 1) // 2) * (1 if turn % 2 else -1)
        look = ("for" if value > 0 else "against" if value < 0 else "rest") + ("" if own else " ring")
        found.append((0.02 + 0.96 * (value - low) / span, offset, look))
    return found
