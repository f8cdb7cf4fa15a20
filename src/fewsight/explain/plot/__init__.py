"""How does an explanation look? Drawn with Matplotlib, at the size of a paper's column, safe for colour-blind readers.

One form for each shape of values (see `forms`). Blue speaks for the target, orange against it; the title says when a
check failed. Needs the extra `plot`.
"""

from __future__ import annotations

from io import BytesIO
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fewsight.errors import ExplanationError
from fewsight.explain.plot.forms import form

if TYPE_CHECKING:
    from fewsight.explain.explanation import Explanation

COLUMN = 3.5
"""Width of one column of a paper, inches."""
LETTERS = 19
"""Letters of a title that fit an inch."""


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
    drawing = form(explanation)
    own = axes is None
    if own:
        axes = pyplot.figure(figsize=(width, drawing.height(width)), layout="constrained").add_subplot()
    else:
        width = axes.get_position().width * axes.figure.get_figwidth()
    flagged = () if explanation.trusted else ("not to be trusted as it stands: a check failed",)
    lines = (f"{explanation.kind}: {explanation.target}", *flagged)
    title = "\n".join(fill(line, max(20, int(LETTERS * width)), break_on_hyphens=False) for line in lines)
    (axes.figure.suptitle if own else axes.set_title)(title, fontsize=7)  # over all of a figure, not its axes alone
    axes.tick_params(labelsize=6)
    drawing.draw(axes)
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
