"""What did the model answer, how sure is it, and may the explanations below be relied on?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from fewsight.explain.explanation import Explanation
from fewsight.report.charts import Row, bars
from fewsight.report.figure import Figure
from fewsight.report.numerals import percent, plain, points
from fewsight.report.subject import Subject

CLASSES = 10
"""Bars in the chart of probabilities; the rest is one bar."""


@dataclass(frozen=True)
class Light:
    """The reliability light.

    Attributes:
        color: "good", "fair" or "poor".
        headline: what it means.
        reasons: why, a sentence each.
    """

    color: str
    headline: str
    reasons: list[str]


def light(subject: Subject) -> Light:
    """Poor: the page's main explanation does not add up, or a model that knows nothing reproduces it.

    Fair: any other failed check, a large drawing without a check, or a caveat. Good: nothing of the kind.
    """
    words, explanations = subject.words, list(subject.analysis.values())
    failed = [
        words("reason_failed", kind=words.kind(explanation.kind), failure=failure)
        for explanation in sorted(explanations, key=lambda explanation: explanation not in subject.headline)
        for failure in words.failures(explanation)
    ]
    unchecked = [
        words("reason_unchecked", kind=words.kind(e.kind)) for e in subject.headline if passed(e) + len(e.failures) == 0
    ]
    nothing = [] if explanations else [words("reason_nothing")]
    reasons = [*failed, *map(words.told, subject.analysis.caveats), *unchecked, *nothing]
    if any(map(broken, subject.headline[:1])):
        color = "poor"
    elif reasons:
        color = "fair"
    else:
        color, reasons = "good", [words.count("reason_passed", sum(passed(e) for e in explanations))]
    return Light(color, words(f"light_{color}"), reasons)


def broken(explanation: Explanation) -> bool:
    """Whether it does not add up, or a control reproduces it."""
    return not explanation.complete or any(control.passed is False for control in explanation.controls)


def passed(explanation: Explanation) -> int:
    """How many of its checks passed, adding up included."""
    measured = [m.passed is True and not isnan(m.value) for m in (*explanation.fidelity, *explanation.controls)]
    return sum(measured) + (explanation.residual is not None and explanation.complete)


def probabilities(subject: Subject) -> Figure | None:
    """The probability of each class after and before adaptation, the largest first; None in regression."""
    if subject.regression:
        return None
    words, after, before = subject.words, subject.analysis.probabilities, subject.analysis.unadapted
    ranked = sorted(range(len(after)), key=lambda index: -after[index])
    shares = [(subject.analysis.labels[index], after[index], before[index]) for index in ranked]
    if more := shares[CLASSES:]:
        rest = words.count("classes_rest", len(more))
        shares = [*shares[:CLASSES], (rest, sum(now for _, now, _ in more), sum(earlier for *_, earlier in more))]
    rows = [
        Row(label, percent(now), 0.0, now, "rest" if place else "for", mark=earlier)
        for place, (label, now, earlier) in enumerate(shares)
    ]
    table = [[label, percent(now), percent(earlier)] for label, now, earlier in shares]
    lines = words.listed(
        words("probabilities_line", label=label, after=now, before=earlier) for label, now, earlier in table
    )
    title = words("probabilities_title")
    drawing = bars("probabilities", title, words("probabilities_text", lines=lines), rows)
    return Figure(title, drawing, [words("class"), words("after"), words("before")], table, words("probabilities_key"))


@dataclass(frozen=True)
class Simple:
    """What simple methods answer: in one sentence, and one by one."""

    sentence: str
    rows: list[list[str]]


def simply(subject: Subject, answers: Mapping[str, str]) -> Simple | None:
    """Whether simple methods that saw the same examples agree; None where none was asked."""
    if not answers:
        return None
    words = subject.words
    rows = [[words.told(name), answer] for name, answer in answers.items()]
    if subject.regression:
        told = words.listed(f"{name}: {answer}" for name, answer in rows)
        return Simple(words("simple_values", answers=told), rows)
    agree = sum(answer == subject.answer for answer in answers.values())
    return Simple(words("simple_agree", agree=agree, count=len(answers), label=subject.answer), rows)


def sureness(subject: Subject) -> list[str]:
    """How sure the model is, how far ahead of the next candidate, and what it held before it saw the examples."""
    words, analysis = subject.words, subject.analysis
    if subject.regression:
        return [words("earlier", value=plain(analysis.unadapted_scores[analysis.predicted]))]
    first, second = (analysis.probabilities[index] for index in (analysis.predicted, analysis.runner_up))
    lead = points(first - second)[1:]
    return [
        words("sure", value=percent(first), runner_up=subject.runner_up, second=percent(second), points=lead),
        words("earlier", value=percent(analysis.unadapted[analysis.predicted])),
    ]
