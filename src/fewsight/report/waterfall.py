"""How did the answer come about? One step for each example, from the un-adapted to the adapted prediction."""

from __future__ import annotations

import numpy as np

from fewsight.explain.explanation import Explanation
from fewsight.report.charts import Row, bars
from fewsight.report.figure import Figure
from fewsight.report.numerals import plain, signed
from fewsight.report.subject import Subject, named

STEPS = 12
"""Steps drawn one by one; the rest is one step in each direction."""

CHRONOLOGICAL = ("steps",)
"""Kinds whose players have an order of their own."""


def order(explanation: Explanation) -> list[int]:
    """Players by size of their value, largest first; steps as they came."""
    if explanation.kind in CHRONOLOGICAL:
        return list(range(explanation.values.size))
    return [int(index) for index in np.argsort(-np.abs(explanation.values.reshape(-1)), kind="stable")]


def column(explanation: Explanation) -> list[str]:
    """The value of every player as printed, with the decimals the largest needs, and the interval of an estimate."""
    values, largest = explanation.values.reshape(-1), _largest(explanation)
    printed = [signed(float(value), largest) for value in values]
    if explanation.interval is None:
        return printed
    ends = explanation.interval.reshape(-1, 2)
    return [
        f"{value} ({signed(float(low), largest)} … {signed(float(high), largest)})"
        for value, (low, high) in zip(printed, ends, strict=True)
    ]


def waterfall(subject: Subject, explanation: Explanation) -> Figure:
    """From before to after where the values add up to that; a ranking from 0 where they add up to nothing."""
    words, names, printed = subject.words, players(subject, explanation), column(explanation)
    ranked, additive = order(explanation), explanation.baseline is not None
    start = explanation.baseline if explanation.baseline is not None else 0.0
    rows = _steps(subject, explanation, start if additive else None)
    if additive:
        first = Row(words("before"), plain(start), 0.0, start, "total")
        rows = [first, *rows, Row(words("after"), plain(explanation.value), 0.0, explanation.value, "total")]
    blanks = {
        "target": words.told(explanation.target),
        "lines": words.listed(named(names[i], printed[i]) for i in ranked[:3]),
        "name": words.told(explanation.baseline_name),
        "baseline": plain(start),
        "value": plain(explanation.value),
    }
    kind = "waterfall" if additive else "ranking"
    title = words(f"{kind}_title", **blanks) if _by_example(subject, explanation) else words.kind(explanation.kind)
    drawing = bars(f"waterfall-{explanation.kind}", title, words(f"{kind}_text", **blanks), rows, joined=additive)
    notes = [words("scale_target", **blanks), *([words("scale_odds")] if subject.odds(explanation) else [])]
    table = [[names[i], printed[i]] for i in ranked]
    return Figure(title, drawing, [words("example"), words("contribution")], table, words.text(notes))


def _steps(subject: Subject, explanation: Explanation, start: float | None) -> list[Row]:
    """Each player's step, heaviest first, the rest by sign, and what is missing; all of them from 0 without `start`."""
    values, ranked = explanation.values.reshape(-1), order(explanation)
    steps = [(*_player(subject, explanation, i), float(values[i])) for i in ranked[:STEPS]]
    for tone, side in (("for", values > 0), ("against", values <= 0)):
        if rest := [i for i in ranked[STEPS:] if side[i]]:
            steps.append((subject.words.count(f"rest_{tone}", len(rest)), None, float(values[rest].sum())))
    level, rows = start or 0.0, []
    for label, picture, value in steps:
        tone = "for" if value > 0 else "against"
        length = 0.0 if np.isnan(value) else value  # said to be undefined beside a bar of no length
        rows.append(Row(label, signed(value, _largest(explanation)), level, level + length, tone, picture))
        level += 0.0 if start is None else length
    if not explanation.complete:
        gap = explanation.value - level
        rows.append(Row(subject.words("waterfall_gap"), signed(gap), level, explanation.value, "rest"))
    return rows


def _player(subject: Subject, explanation: Explanation, player: int) -> tuple[str, str | None]:
    """Label and picture."""
    if not _by_example(subject, explanation):
        return players(subject, explanation)[player], None
    return f"{subject.label(player)} · {subject.short(player)}", subject.thumbnail(player)


def players(subject: Subject, explanation: Explanation) -> tuple[str, ...]:
    """Names of the players; those of steps are the library's own and are translated, all others stand as they are."""
    if explanation.kind in CHRONOLOGICAL:
        return tuple(map(subject.words.told, explanation.players))
    return explanation.players


def _by_example(subject: Subject, explanation: Explanation) -> bool:
    return explanation.players == subject.analysis.support_names


def _largest(explanation: Explanation) -> float:
    return float(np.abs(np.nan_to_num(explanation.values)).max(initial=0.0))
