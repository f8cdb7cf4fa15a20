"""Which charts does the page draw? Rows of bars (a waterfall, a ranking, probabilities) and curves, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from fewsight.report.numerals import plain
from fewsight.report.svg import chart, element, percent

ROW = 32
"""Height of a row of bars, in pixels."""
PLOT = 150
"""Height of a plot of curves, in pixels."""
SHORT = 8
"""Letters of a label up to which bars get more room."""
LINE = 18
"""Height of a line of text in a chart, in pixels."""


@dataclass(frozen=True)
class Row:
    """One bar.

    Attributes:
        label: what it stands for.
        figure: its value as printed.
        start, end: where it begins and ends on the common scale.
        tone: "for", "against", "total" or "rest"; its colour.
        picture: data address of a thumbnail.
        mark: an earlier value to show as a thin line.
    """

    label: str
    figure: str
    start: float
    end: float
    tone: str
    picture: str | None = None
    mark: float | None = None


def bars(name: str, title: str, description: str, rows: Sequence[Row], *, joined: bool = False) -> Markup:
    """Rows of horizontal bars on one scale that includes 0; `joined` links the end of each to the start of the next."""
    ends = [0.0, *(value for row in rows for value in (row.start, row.end, row.mark) if value is not None)]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def place(value: float) -> float:
        return 0.01 + 0.98 * (value - low) / span

    marks: list[str] = []
    links = [
        element(
            "line", x1=percent(place(a.end)), x2=percent(place(a.end)), y1=ROW * i + 25, y2=ROW * i + 39, class_="link"
        )
        for i, (a, _) in enumerate(pairwise(rows))
        if joined
    ]
    zero = element("line", x1=percent(place(0)), x2=percent(place(0)), y1=0, y2="100%", class_="zero")
    for index, row in enumerate(rows):
        left, right = sorted((place(row.start), place(row.end)))
        top = ROW * index + 7
        marks.append(
            element(
                "rect",
                x=percent(left),
                width=percent(max(right - left, 0.004)),
                y=top,
                height=18,
                rx=2,
                class_=row.tone,
            )
        )
        if row.mark is not None:
            x = percent(place(row.mark))
            marks.append(element("line", x1=x, x2=x, y1=top - 4, y2=top + 22, class_="mark"))
    indent = 34 if any(row.picture for row in rows) else 0
    labels = 0.2 if not indent and all(len(row.label) <= SHORT for row in rows) else 0.35
    words = [part for index, row in enumerate(rows) for part in caption(row, ROW * index, labels, indent)]
    plot = element("svg", zero, *links, *marks, x=percent(labels), width=percent(0.84 - labels), height="100%")
    return chart(name, title, description, plot, *words, height=ROW * len(rows))


def caption(row: Row, top: float, width: float, indent: float) -> list[Markup]:
    """The picture and label on the left of a row, and its figure on the right."""
    picture = (
        element("image", href=row.picture, x=0, y=2, width=28, height=28, class_="pixels")
        if row.picture
        else Markup("")
    )
    label = element("text", row.label, x=indent if row.picture else 0, y=21)
    # A nested drawing cuts off a label that is too long; the table behind the chart has it whole.
    return [
        element("svg", picture, label, x=0, y=top, width=percent(width - 0.015), height=ROW),
        element("text", row.figure, x="100%", y=top + 21, text_anchor="end", class_=f"figure {row.tone}-text"),
    ]


def curves(
    name: str, title: str, description: str, share: Sequence[float], lines: Mapping[str, Sequence[float]], across: str
) -> Markup:
    """Lines over `share`, 0 to 1; NaN leaves a point out; `across` says what the horizontal axis counts."""
    values = [value for line in lines.values() for value in line if value == value]
    low, high = min(values, default=0.0), max(values, default=1.0)
    top = LINE * len(lines) + 8

    drawn, legend = [], []
    for index, (label, line) in enumerate(lines.items()):
        points = [
            f"{100 * at:.2f},{100 * (high - value) / ((high - low) or 1.0):.2f}"
            for at, value in zip(share, line, strict=True)
            if value == value
        ]
        y, look = LINE * index + 10, f"curve curve-{index % 4}"
        drawn.append(element("polyline", points=" ".join(points), class_=look))
        legend.append(element("line", x1=0, x2=30, y1=y, y2=y, class_=look))
        legend.append(element("text", label, x=38, y=y + 4))
    stretched = element(
        "svg",
        *drawn,
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        class_="free",
        x=48,
        y=top,
        width="82%",
        height=PLOT,
    )
    axes = [
        element("line", x1=44, x2=44, y1=top, y2=top + PLOT, class_="axis"),
        element("line", x1=44, x2="98%", y1=top + PLOT + 3, y2=top + PLOT + 3, class_="axis"),
        element("text", plain(high), x=40, y=top + 10, text_anchor="end", class_="figure"),
        element("text", plain(low), x=40, y=top + PLOT, text_anchor="end", class_="figure"),
        element("text", across, x="98%", y=top + PLOT + LINE + 2, text_anchor="end", class_="axis-text"),
    ]
    return chart(name, title, description, *legend, *axes, stretched, height=top + PLOT + LINE + 10)
