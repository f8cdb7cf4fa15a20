"""How are single values drawn? As a bar for each player, the largest ones where there are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fewsight.explain.plot.ink import AGAINST, FOR, ROW, picks, short

if TYPE_CHECKING:
    from fewsight.explain.explanation import Explanation

MOST = 20
"""Bars at most: those of the largest values."""


@dataclass(frozen=True)
class Bars:
    """A bar for each value, with intervals where they are estimates."""

    values: np.ndarray
    names: tuple[str, ...]
    explanation: Explanation

    def height(self, width: float) -> float:
        return 0.7 + ROW * min(len(self.values), MOST)

    def draw(self, axes: Any) -> None:
        size = np.abs(np.nan_to_num(self.values))
        chosen = np.sort(np.argsort(-size, kind="stable")[:MOST])[::-1]
        shown, place = np.nan_to_num(self.values[chosen]), np.arange(len(chosen))
        error = None
        if self.explanation.interval is not None:
            ends = self.explanation.interval.reshape(-1, 2)[chosen]
            error = np.abs(ends.T - shown)
        color = [FOR if value >= 0 else AGAINST for value in shown]
        axes.barh(place, shown, color=color, xerr=error, error_kw={"elinewidth": 0.6})
        for index, value in zip(place, self.values[chosen], strict=True):
            if np.isnan(value):
                axes.annotate("not a number, see notes", (0, index), fontsize=5, va="center")
        axes.set_yticks(place, [short(self.names[i]) for i in chosen])
        axes.axvline(0, color="black", linewidth=0.6)
        if not size.any() and not np.isnan(self.values).any():
            axes.annotate("every value is 0", (0.5, 0.5), xycoords="axes fraction", fontsize=6, ha="center")
        left = len(self.values) - len(chosen)
        what = "value" if self.explanation.residual is None else "contribution"
        axes.set_xlabel(what + (f" ({left} smaller ones left out)" if left else ""), fontsize=6)
        axes.set_ylim(-0.7, len(chosen) - 0.3)
        axes.locator_params(axis="x", nbins=6)
        if picks(self.values):
            axes.set_xticks([])
            axes.set_xlabel("")
