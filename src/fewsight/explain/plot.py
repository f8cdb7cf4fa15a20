"""How does an explanation look? Drawn with Matplotlib, at the size of a paper's column, safe for colour-blind readers.

One picture for each shape of values: bars for players, a map for the pixels of an image and for tables (pairs, steps by
layers). Blue speaks for the target, orange against it; the title says when a check failed. Needs the extra `plot`.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from fewsight.errors import ExplanationError

if TYPE_CHECKING:
    from fewsight.explain.explanation import Explanation

FOR, AGAINST = "#0072B2", "#D55E00"
"""Okabe & Ito's blue and vermilion, which readers with any colour vision tell apart."""
COLUMN = 3.5
"""Width of one column of a paper, inches."""
MOST = 20
"""Bars at most: those of the largest values."""


def plot(explanation: Explanation, axes: Any = None, *, width: float = COLUMN) -> Any:
    """Draw `explanation` on Matplotlib `axes`, or on a new figure `width` inches wide; returns the axes.

    Raises:
        ExplanationError: Matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ExplanationError(
            "plot() needs Matplotlib, which is not installed: pip install 'fewsight[plot]'"
        ) from error
    values = np.asarray(explanation.values, dtype=float)
    image = values.sum(0) if values.ndim == 3 and explanation.players == ("pixels",) else values
    flat = image.ndim != 2 or 1 in image.shape
    if axes is None:
        shown = min(image.size, MOST)
        height = 0.7 + 0.17 * shown if flat else width * np.clip(image.shape[0] / image.shape[1], 0.4, 1.2)
        axes = pyplot.figure(figsize=(width, height), layout="constrained").add_subplot()
    _bars(axes, explanation, image.reshape(-1)) if flat else _map(axes, explanation, image)
    flagged = "" if explanation.trusted else "\nnot to be trusted as it stands: a check failed"
    axes.set_title(f"{explanation.kind}: {explanation.target}{flagged}", fontsize=7, wrap=True)
    axes.tick_params(labelsize=6)
    return axes


def png(explanation: Explanation) -> bytes | None:
    """The picture as the bytes of a PNG file, None where Matplotlib is missing; leaves no figure open."""
    try:
        from matplotlib import pyplot
    except ImportError:
        return None
    buffer = BytesIO()
    figure = plot(explanation).figure
    figure.savefig(buffer, dpi=200)
    pyplot.close(figure)
    return buffer.getvalue()


def _bars(axes: Any, explanation: Explanation, values: np.ndarray) -> None:
    size = np.abs(np.nan_to_num(values))
    chosen = np.sort(np.argsort(-size, kind="stable")[:MOST])[::-1]
    shown, place = np.nan_to_num(values[chosen]), np.arange(len(chosen))
    names = explanation.players if len(explanation.players) == len(values) else [str(i) for i in range(len(values))]
    error = None
    if explanation.interval is not None:
        ends = explanation.interval.reshape(-1, 2)[chosen]
        error = np.abs(ends.T - shown)
    color = [FOR if value >= 0 else AGAINST for value in shown]
    axes.barh(place, shown, color=color, xerr=error, error_kw={"elinewidth": 0.6})
    for index, value in zip(place, values[chosen], strict=True):
        if np.isnan(value):
            axes.annotate("not a number, see notes", (0, index), fontsize=5, va="center")
    axes.set_yticks(place, [names[i] for i in chosen])
    axes.axvline(0, color="black", linewidth=0.6)
    left = len(values) - len(chosen)
    axes.set_xlabel("contribution" + (f" ({left} smaller ones left out)" if left else ""), fontsize=6)


def _map(axes: Any, explanation: Explanation, values: np.ndarray) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("for and against", [AGAINST, "white", FOR])
    limit = float(np.abs(np.nan_to_num(values)).max()) or 1.0
    drawn = axes.imshow(values, cmap=colors, vmin=-limit, vmax=limit, aspect="auto" if values.shape[0] < 4 else "equal")
    bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.8)
    bar.ax.tick_params(labelsize=6)
    if len(explanation.players) == values.shape[0] == values.shape[1] <= MOST:
        axes.set_xticks(range(len(explanation.players)), explanation.players, rotation=90)
        axes.set_yticks(range(len(explanation.players)), explanation.players)
