"""How was each explanation tested, and with what result? Rows of a table, and the curves behind them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import isnan

import numpy as np

from fewsight.explain.explanation import Explanation, Measure
from fewsight.report.charts import curves
from fewsight.report.figure import Figure
from fewsight.report.numerals import capital, percent, plain
from fewsight.report.subject import Subject
from fewsight.report.words import Words

ACROSS = "share"
"""The series of a curve that holds the horizontal positions."""


@dataclass(frozen=True)
class Check:
    """One row: `tone` is "good", "poor" or "none", `result` says it in words."""

    name: str
    figure: str
    interval: str
    tone: str
    result: str
    meaning: str


@dataclass(frozen=True)
class Tested:
    """One explanation with its checks; `summary` counts them, `open` where a reader should see them at once."""

    explanation: Explanation
    checks: list[Check]
    curves: list[Figure]
    summary: str
    open: bool


def tested(subject: Subject) -> list[Tested]:
    """Every explanation with its checks, those drawn large first."""
    ordered = sorted(subject.analysis.values(), key=lambda explanation: explanation not in subject.headline)
    return [examined(subject.words, explanation, explanation in subject.headline) for explanation in ordered]


def examined(words: Words, explanation: Explanation, main: bool) -> Tested:
    """One explanation with its checks; `main`: it is drawn large."""
    checks = _checks(words, explanation)
    counted = Counter(check.tone for check in checks)
    tones = {"good": "passed", "poor": "failed", "none": "unmarked"}
    summary = words.listed(words(f"count_{word}", count=counted[tone]) for tone, word in tones.items() if counted[tone])
    return Tested(explanation, checks, _curves(words, explanation), summary, main or bool(explanation.failures))


def _checks(words: Words, explanation: Explanation) -> list[Check]:
    rows = [_row(words, measure) for measure in (*explanation.fidelity, *explanation.controls)]
    if explanation.residual is None:
        return rows
    tone, result = ("good", "passed") if explanation.complete else ("poor", "failed")
    meaning = words("adds_up_meaning", bound=f"{explanation.bound:g}")
    return [
        Check(
            words("adds_up"),
            f"{explanation.residual:.1e}" if explanation.residual else "0",
            "",
            tone,
            words(result),
            meaning,
        ),
        *rows,
    ]


def _row(words: Words, measure: Measure) -> Check:
    tone, result = {True: ("good", "passed"), False: ("poor", "failed"), None: ("none", "no_mark")}[measure.passed]
    if isnan(measure.value):
        tone, result = "none", "undefined"
    low, high = measure.interval or (float("nan"), float("nan"))
    interval = "" if isnan(low) else words("interval", low=plain(low), high=plain(high))
    name, meaning = capital(words.told(measure.name)), capital(words.told(measure.meaning))
    return Check(name, plain(measure.value), interval, tone, words(result), meaning)


def _curves(words: Words, explanation: Explanation) -> list[Figure]:
    measures = [measure for measure in (*explanation.fidelity, *explanation.controls) if measure.curve]
    return [_curve(words, explanation, measure, number) for number, measure in enumerate(measures)]


def _curve(words: Words, explanation: Explanation, measure: Measure, number: int) -> Figure:
    lines = {words.series(name): line for name, line in measure.curve.items() if name != ACROSS}
    share = measure.curve.get(ACROSS) or np.linspace(0, 1, max(map(len, lines.values()))).tolist()
    spoken = words.listed(
        words("curves_line", name=name, first=plain(line[0]), last=plain(line[-1]), count=len(line) - 1)
        for name, line in lines.items()
    )
    name, target = words.told(measure.name), words.told(explanation.target)
    drawing = curves(
        f"curve-{explanation.kind}-{number}",
        words("curves_title", kind=words.kind(explanation.kind), name=name),
        words("curves_text", lines=spoken),
        share,
        lines,
        words("curves_across"),
    )
    columns = [words("curves_across"), *lines]
    rows = [[percent(at), *map(plain, values)] for at, *values in zip(share, *lines.values(), strict=True)]
    return Figure(capital(name), drawing, columns, rows, words("curves_note", target=target))
