"""How does a person see a row of a table? Names and values one below the other; shaded, with a signed figure each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from fewsight.view import cut

LINE = 16
"""Pixels of a line."""
SMALL_LINES, LARGE_LINES = 4, 40
WIDTH, FIGURE = 230, 50
"""Pixels of a line from name to value, and of the figure that follows where it is shaded."""
NAME, VALUE = 24, 15
"""Characters that are shown of a name and of a value; the whole is in its title."""


@dataclass(frozen=True)
class RowView:
    """A `View` of a row.

    Attributes:
        name: of the row.
        parts: the names of its columns.
        values: what stands in each, as text.
    """

    name: str
    parts: tuple[str, ...]
    values: tuple[str, ...]
    wide: bool = True

    @property
    def text(self) -> str:
        cells = (f"{part} {value}" for part, value in zip(self.parts, self.values, strict=True))
        return f"{self.name}: {', '.join(cells)}"

    def small(self) -> Markup:
        return self._drawn(SMALL_LINES)

    def large(self) -> Markup:
        return self._drawn(LARGE_LINES)

    def shaded(self, shares: np.ndarray) -> Markup | None:
        return self._drawn(LARGE_LINES, shares)

    def _drawn(self, lines: int, shares: np.ndarray | None = None) -> Markup:
        """A line for each column in one block, for two beside each other would not fit a small screen.

        Where there are too many, the first ones are shown, or those of the largest shares, and how many more there are.
        """
        shown = list(range(len(self.parts)))
        more = len(shown) - lines + 1 if len(shown) > lines else 0
        if more and shares is not None:
            shown.sort(key=lambda c: -abs(float(shares[c])))
        shown = sorted(shown[: lines - 1]) if more else shown
        width = WIDTH if shares is None else WIDTH + FIGURE
        height = LINE * (len(shown) + bool(more))
        body = Markup("").join(
            self._line(c, place * LINE, None if shares is None else float(shares[c])) for place, c in enumerate(shown)
        )
        if more:
            body += Markup('<text x="4" y="{}" fill="var(--muted)">… + {}</text>').format(len(shown) * LINE + 12, more)
        return Markup(
            '<svg class="row-view" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}" '
            'font-size="11" font-family="sans-serif">{}</svg>'
        ).format(self.text, width, height, width, height, body)

    def _line(self, c: int, y: int, share: float | None) -> Markup:
        name, value = self.parts[c], self.values[c]
        title = Markup("<title>{}: {}</title>").format(name, value)
        tint = figure = Markup("")
        if share is not None:
            side = "for" if share > 0 else "against"
            tint = Markup('<rect x="0" y="{}" width="{}" height="{}" fill="var(--{})" fill-opacity="{:.2f}"/>').format(
                y, WIDTH + FIGURE - 4, LINE - 1, side, 0.45 * min(1.0, abs(share))
            )
            figure = Markup('<text x="{}" y="{}" text-anchor="end" fill="var(--ink)">{}</text>').format(
                WIDTH + FIGURE - 8, y + 12, f"{share:+.2f}".replace("-", "−")
            )
        return Markup(
            '<g>{}{}<text x="4" y="{}" fill="var(--muted)">{}</text>'
            '<text x="{}" y="{}" text-anchor="end" fill="var(--ink)">{}</text>{}</g>'
        ).format(title, tint, y + 12, cut(name, NAME), WIDTH - 8, y + 12, cut(value, VALUE), figure)
