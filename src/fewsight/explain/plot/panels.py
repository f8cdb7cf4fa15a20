"""How are maps and tables drawn? As panels beside each other on one scale.

The pixels of an image, or of each support example; pairs of examples; layers by steps; one panel for each step where
there are three ways to look.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from fewsight.explain.plot.ink import AGAINST, FOR, ROW, picks, short

PANELS = 12
"""Panels at most: those of the largest values."""
BESIDE = 56
"""Letters of the names of columns that fit side by side."""


@dataclass(frozen=True)
class Panels:
    """Maps `(P, H, W)` beside each other, each under its name, with the names of rows and columns where these have any.

    `across` is how many stand beside each other.
    """

    maps: np.ndarray
    names: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    left: int = 0

    @classmethod
    def of(cls, values: np.ndarray, players: tuple[str, ...]) -> Panels:
        maps = values.reshape(-1, *values.shape[-2:])
        if len(players) == values.shape[0] == values.shape[1] and values.ndim == 2:
            return cls(maps, ("",), players, players)
        parts = [tuple(dict.fromkeys(of)) for of in zip(*(_split(name) for name in players), strict=False)]
        lengths = [len(of) for of in parts]
        if lengths == list(values.shape):  # a name for each row and each column
            return cls(maps, ("",) if values.ndim == 2 else parts[0], parts[-2], parts[-1])
        names = parts[0] if len(parts[0]) == len(maps) else players if len(players) == len(maps) else ("",)
        chosen = np.sort(np.argsort(-np.abs(np.nan_to_num(maps)).sum((1, 2)), kind="stable")[:PANELS])
        return cls(maps[chosen], tuple(names[i] for i in chosen), (), (), len(maps) - len(chosen))

    @property
    def gap(self) -> int:
        """Cells between panels, where their names stand."""
        return 0 if len(self.maps) == 1 else max(1, math.ceil(self.maps.shape[1] / 5))

    @property
    def across(self) -> int:
        """Panels beside each other: all where rows have names; else as many as make the whole wider than high."""
        count, high, wide = self.maps.shape
        return count if self.rows else math.ceil(math.sqrt(1.5 * count * high / wide)) if count > 1 else 1

    @property
    def steep(self) -> bool:
        """Whether the names of the columns are too long to stand side by side."""
        return len(self.maps) * sum(len(short(name)) + 1 for name in self.columns) > BESIDE

    def height(self, width: float) -> float:
        count, high, wide = self.maps.shape
        if self.rows:
            return 0.8 + ROW * high + (0.045 * max(len(short(name)) for name in self.columns) if self.steep else 0)
        down = math.ceil(count / self.across)
        shape = down * (high + self.gap) / (self.across * (wide + self.gap))
        return float(0.4 + 0.8 * width * np.clip(shape, 0.2, 1.3))

    def draw(self, axes: Any) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        count, high, wide = self.maps.shape
        down, between = math.ceil(count / self.across), 1 if self.rows else self.gap
        across = min(count, self.across)
        board = np.full((down * (high + self.gap), across * (wide + between) - between), np.nan)
        corners = [
            (self.gap + (p // across) * (high + self.gap), (p % across) * (wide + between)) for p in range(count)
        ]
        for (top, left), values in zip(corners, self.maps, strict=True):
            board[top : top + high, left : left + wide] = values
        limit = float(np.nanmax(np.abs(self.maps), initial=0.0)) or 1.0
        colors = LinearSegmentedColormap.from_list("for and against", [AGAINST, "white", FOR])
        drawn = axes.imshow(
            board,
            cmap=colors,
            vmin=-limit,
            vmax=limit,
            aspect="auto" if self.rows else "equal",
            interpolation="nearest",
        )
        figures = bool(self.rows) and board.shape[1] <= 8
        if not figures and not picks(self.maps):
            axes.figure.colorbar(drawn, ax=axes, shrink=0.8).ax.tick_params(labelsize=6)
        for spine in axes.spines.values():
            spine.set_visible(count == 1)
        axes.set_xticks([])
        axes.set_yticks([])
        room = int(3.2 * 72 / across / 3)
        for (top, left), name in zip(corners, self.names, strict=True):
            if count > 1:
                frame = ((left - 0.5, left + wide - 0.5), (top - 0.5, top + high - 0.5))
                axes.add_patch(_frame(*frame))
                axes.text(left - 0.5, top - 0.7, short(name, room), fontsize=5, va="bottom")
        if self.rows:
            axes.set_yticks([corners[0][0] + i for i in range(high)], map(short, self.rows))
            axes.set_xticks(
                [left + i for _, left in corners for i in range(wide)],
                [*map(short, self.columns)] * count,
                rotation=90 if self.steep else 0,
            )
        if figures:
            _figures(axes, board, limit)
        if self.left:
            axes.set_title(f"{self.left} with smaller values left out", fontsize=6, loc="right")
        if self.names[0].startswith("pairs with "):
            axes.set_xlabel("places of the example", fontsize=6)
            axes.set_ylabel("places of the query", fontsize=6)


def _split(name: str) -> list[str]:
    """The name of a cell as those of its panel, row and column: "step 1, head" or "support 3: age"."""
    return name.split(": ", 1) if ": " in name else re.split(r", (?![^(]*\))", name)


def _frame(x: tuple[float, float], y: tuple[float, float]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x[0], y[0]), x[1] - x[0], y[1] - y[0], fill=False, edgecolor="0.6", linewidth=0.5)


def _figures(axes: Any, board: np.ndarray, limit: float) -> None:
    """The values as figures in their cells, with as many decimals as the largest needs for two or three digits."""
    size = math.floor(math.log10(limit))
    decimals = max(0, 2 - size if size >= 0 else 1 - size)
    for (i, j), value in np.ndenumerate(board):
        if not np.isnan(value):
            color = "white" if abs(value) > 0.6 * limit else "black"
            axes.text(
                j, i, f"{round(value, decimals) + 0.0:.{decimals}f}", fontsize=5, ha="center", va="center", color=color
            )
