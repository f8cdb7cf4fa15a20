"""How did the answer come about? One step for each example, from the un-adapted to the adapted prediction."""

from __future__ import annotations

import numpy as np

from fewsight.explain.explanation import Explanation
from fewsight.report.charts import Row, bars
from fewsight.report.figure import Figure
from fewsight.report.numerals import plain, signed
from fewsight.report.subject import Subject, listed, named

STEPS = 12
"""Steps drawn one by one; the rest is one step."""


def order(explanation: Explanation) -> list[int]:
    """Players by size of their value, largest first."""
    return [int(index) for index in np.argsort(-np.abs(explanation.values.reshape(-1)), kind="stable")]


def waterfall(subject: Subject, explanation: Explanation) -> Figure:
    """Steps of the players, examples or classes, that add up; a ranking from 0 where they add up to nothing."""
    words, names = subject.words, explanation.players
    values, ranked = explanation.values.reshape(-1), order(explanation)
    examples = names == subject.analysis.support_names
    steps = [
        (
            f"{subject.label(i)} · {names[i]}" if examples else names[i],
            float(values[i]),
            "for" if values[i] > 0 else "against",
            subject.thumbnail(i) if examples else None,
        )
        for i in ranked[:STEPS]
    ]
    if rest := ranked[STEPS:]:
        steps.append((words.count("waterfall_rest", len(rest)), float(values[rest].sum()), "rest", None))
    start, additive = explanation.baseline or 0.0, explanation.baseline is not None
    if not explanation.complete:
        steps.append((words("waterfall_gap"), explanation.value - start - float(values.sum()), "rest", None))

    level, rows = start, []
    for label, value, tone, picture in steps:
        level = level if additive else 0.0
        rows.append(Row(label, signed(value), level, level + value, tone, picture))
        level += value
    blanks = {
        "target": explanation.target,
        "lines": listed(named(names[i], signed(float(values[i]))) for i in ranked[:3]),
        "name": explanation.baseline_name,
        "baseline": plain(start),
        "value": plain(explanation.value),
    }
    kind = "waterfall" if additive else "ranking"
    if additive:
        first = Row(words("before"), plain(start), 0.0, start, "total")
        rows = [first, *rows, Row(words("after"), plain(explanation.value), 0.0, explanation.value, "total")]
    title, text = words(f"{kind}_title", **blanks), words(f"{kind}_text", **blanks)
    drawing = bars(f"waterfall-{explanation.kind}", title, text, rows, joined=additive)
    odds = words("scale_odds") if subject.odds(explanation) else ""
    note = f"{words('scale_target', **blanks)} {odds}".strip()
    return Figure(title, drawing, [words("example"), words("contribution")], _table(explanation, ranked), note)


def _table(explanation: Explanation, ranked: list[int]) -> list[list[str]]:
    """Every player with its value, and the interval of an estimate."""
    values = [signed(float(value)) for value in explanation.values.reshape(-1)]
    if explanation.interval is not None:
        ends = explanation.interval.reshape(-1, 2)
        values = [
            f"{value} ({signed(float(low))} … {signed(float(high))})"
            for value, (low, high) in zip(values, ends, strict=True)
        ]
    return [[explanation.players[i], values[i]] for i in ranked]
