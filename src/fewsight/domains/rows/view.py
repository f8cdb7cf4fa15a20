"""How does a person see a row of a table? Names and values one below the other; shaded, with a signed figure each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from fewsight.view import cut

LINE = 16
"""Pixels of a line."""
SMALL_LINES, LARGE_LINES = 4, 15
WIDTH = 230
"""Pixels of a block of lines."""
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
        if len(self.parts) <= SMALL_LINES:
            return self._drawn(range(len(self.parts)), SMALL_LINES)
        shown = range(SMALL_LINES - 1)
        return self._drawn(shown, SMALL_LINES, f"… + {len(self.parts) - len(shown)}")

    def large(self) -> Markup:
        return self._drawn(range(len(self.parts)), LARGE_LINES)

    def shaded(self, shares: np.ndarray) -> Markup | None:
        return self._drawn(range(len(self.parts)), LARGE_LINES, shares=shares)

    def _drawn(self, shown: Sequence[int], lines: int, more: str = "", *, shares: np.ndarray | None = None) -> Markup:
        """The columns `shown` in blocks of at most `lines` lines, one block beside the other."""
        width = WIDTH if shares is None else WIDTH + 50
        count = len(shown) + bool(more)
        blocks = max(1, -(-count // lines))
        height = LINE * min(count, lines)
        body = Markup("").join(
            self._line(c, place // lines * width, place % lines * LINE, None if shares is None else float(shares[c]))
            for place, c in enumerate(shown)
        )
        if more:
            body += Markup('<text x="4" y="{}" fill="var(--muted)">{}</text>').format(len(shown) * LINE + 12, more)
        return Markup(
            '<svg class="row-view" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}" '
            'font-size="11" font-family="sans-serif">{}</svg>'
        ).format(self.text, blocks * width, height, blocks * width, height, body)

    def _line(self, c: int, x: int, y: int, share: float | None) -> Markup:
        name, value = self.parts[c], self.values[c]
        title = Markup("<title>{}: {}</title>").format(name, value)
        tint = figure = Markup("")
        if share is not None:
            side = "for" if share > 0 else "against"
            tint = Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="var(--{})" fill-opacity="{:.2f}"/>').format(
                x, y, WIDTH + 46, LINE - 1, side, 0.45 * min(1.0, abs(share))
            )
            figure = Markup('<text x="{}" y="{}" text-anchor="end" fill="var(--ink)">{}</text>').format(
                x + WIDTH + 42, y + 12, f"{share:+.2f}".replace("-", "−")
            )
        return Markup(
            '<g>{}{}<text x="{}" y="{}" fill="var(--muted)">{}</text>'
            '<text x="{}" y="{}" text-anchor="end" fill="var(--ink)">{}</text>{}</g>'
        ).format(title, tint, x + 4, y + 12, cut(name, NAME), x + WIDTH - 8, y + 12, cut(value, VALUE), figure)
