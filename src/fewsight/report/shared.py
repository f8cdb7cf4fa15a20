"""What does the query have in common with the examples that decided? Side by side, the common part on a grey band.

The band is a fact about the two examples, the colours are what the model made of their parts: seen together they say
whether the likeness that strikes the eye is the one that counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from fewsight.explain.explanation import Explanation
from fewsight.report.figure import Figure
from fewsight.report.numerals import plain, signed
from fewsight.report.subject import QUERY, Subject
from fewsight.report.waterfall import column, order
from fewsight.view import Overlap, Overlaps

MAPS = ("support_integrated_gradients", "support_occlusion")
"""Explanations by parts of the support examples, the one that is drawn first."""
COLUMNS = ("shared_text", "shared_count")
SUMS = ("shared_inside", "shared_outside", "shared_query_inside", "shared_query_outside")


@dataclass(frozen=True)
class Shared:
    """The section: how to read it, its figure, and what the examples are coloured by (None: they are not)."""

    intro: str
    figure: Figure
    drawn: Explanation | None


@dataclass(frozen=True)
class _Maps:
    """What the parts of the query and of each example are worth, `(P,)`; `explanation` says it of the examples."""

    explanation: Explanation
    query: np.ndarray
    examples: dict[int, np.ndarray]

    def sums(self, example: int, found: Overlap) -> list[float]:
        """As in `SUMS`."""
        sides = ((self.examples[example], found.second), (self.query, found.first))
        return [float(part) for values, at in sides for part in (values[list(at)].sum(), np.delete(values, at).sum())]

    @property
    def largest(self) -> tuple[float, float]:
        """Of the query, and of all examples."""
        every = np.concatenate(list(self.examples.values()))
        return float(np.abs(self.query).max()) or 1.0, float(np.abs(every).max()) or 1.0


def shared(subject: Subject) -> Shared | None:
    """None where examples cannot be compared, or none decided."""
    evidence, view, words = subject.evidence, subject.view, subject.words
    if evidence is None or subject.views is None or not isinstance(view, Overlaps):
        return None
    maps, values = _maps(subject, view), column(evidence)
    found = {i: view.overlap(other) for i, other in _decisive(subject, evidence)}
    if not found:
        return None
    lines = {i: _line(subject, i, values[i], each) for i, each in found.items()}
    sums = {i: _sums(maps, i, each) for i, each in found.items()}
    items = [_item(subject, view, found[i], maps, i, lines[i], sums[i]) for i in found]
    rows = [
        [subject.analysis.support_names[i], subject.label(i), values[i], each.text, str(len(each.second)), *sums[i]]
        for i, each in found.items()
    ]
    first = ("example", "value" if subject.regression else "class", "contribution")
    heads = [words(key) for key in (*first, *COLUMNS, *(SUMS if maps else ()))]
    intro, note = [words("shared_intro")], ""
    if maps:
        blue, orange = subject.directions(maps.explanation)
        own, others = map(plain, maps.largest)
        intro.append(words("shared_colours", blue=blue, orange=orange))
        note = words("shared_scale", own=own, value=others)
    drawing = Markup('<ul class="pairs">{}</ul>').format(Markup("").join(items))
    return Shared(
        words.text(intro), Figure(words("shared_sides"), drawing, heads, rows, note), maps.explanation if maps else None
    )


def _decisive(subject: Subject, evidence: Explanation) -> list[tuple[int, Overlaps]]:
    """Of the answer's class and of the runner-up's, the example that spoke most for the answer and the one that spoke
    most against it, and their views; in regression of all examples."""
    values, views, analysis = evidence.values.reshape(-1), subject.views or (), subject.analysis
    first: dict[tuple[int, bool], int] = {}
    for i in order(evidence):
        if values[i] and (subject.regression or analysis.support_labels[i] in (analysis.predicted, analysis.runner_up)):
            first.setdefault((0 if subject.regression else analysis.support_labels[i], bool(values[i] > 0)), i)
    chosen = sorted(first.values(), key=lambda i: -values[i])
    return [(i, view) for i in chosen if views and isinstance(view := views[i], Overlaps)]


def _maps(subject: Subject, view: Overlaps) -> _Maps | None:
    """None where one of the two was not made."""
    analysis, views = subject.analysis, subject.views or ()
    own = [analysis[kind].values.reshape(-1) for kind in QUERY if kind in analysis]
    own = [values for values in own if values.size == len(view.parts)]
    explanation = next((analysis[kind] for kind in MAPS if kind in analysis), None)
    if explanation is None or not own:
        return None
    rows = zip(explanation.provenance["examples"], explanation.values, strict=True)
    examples = {i: row.reshape(-1)[: len(views[i].parts)] for i, row in rows}
    return _Maps(explanation, own[0], examples) if len(examples) == subject.size else None


def _line(subject: Subject, example: int, value: str, found: Overlap) -> str:
    words = subject.words
    blanks = {"name": subject.analysis.support_names[example], "label": subject.label(example), "value": value}
    if not found.second:
        return words("shared_nothing", **blanks)
    assert subject.views is not None
    total = len(subject.views[example].parts)
    said = words("shared_line", count=len(found.second), total=total, text=found.text, **blanks)
    return said if found.whole else words.text([said, words("shared_more")])


def _sums(maps: _Maps | None, example: int, found: Overlap) -> list[str]:
    """Printed, each side with the decimals that its larger one needs."""
    sums = maps.sums(example, found) if maps else []
    return [signed(value, max(map(abs, pair))) for pair in (sums[:2], sums[2:]) for value in pair]


def _item(
    subject: Subject, view: Overlaps, found: Overlap, maps: _Maps | None, example: int, line: str, sums: Sequence[str]
) -> Markup:
    words, own, other = subject.words, np.zeros(0), np.zeros(0)
    if maps:
        scale = maps.largest
        own, other = maps.query / scale[0], maps.examples[example] / scale[1]
    if maps and found.second:
        inside, outside, query_inside, query_outside = sums
        line = words.text(
            [
                line,
                words("shared_example", inside=inside, outside=outside),
                words("shared_query", inside=query_inside, outside=query_outside),
            ]
        )
    return Markup('<li><div class="pair">{}<span aria-hidden="true">↔</span>{}</div><p>{}</p></li>').format(
        view.marked(found.first, own), found.other.marked(found.second, other), line
    )
