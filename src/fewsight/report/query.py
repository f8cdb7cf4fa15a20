"""Which part of the query decided? A map for each method where the query is a picture, the query itself with its parts
coloured where its view can show them, else a ranking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewsight.explain.explanation import Explanation
from fewsight.report.charts import Row, bars
from fewsight.report.figure import Figure
from fewsight.report.heatmap import heat_map, regions, saturation, signed_map
from fewsight.report.numerals import plain, signed
from fewsight.report.subject import QUERY, Subject, named
from fewsight.report.waterfall import column, order

PARTS = 15
"""Bars in the ranking of a query's parts."""


@dataclass(frozen=True)
class Part:
    """One explanation by parts of the query.

    Attributes:
        figure: the map or the ranking.
        legend: what blue means and what orange means; None for a ranking, whose bars carry signs.
    """

    explanation: Explanation
    figure: Figure
    legend: tuple[str, str] | None


def parts(subject: Subject) -> list[Part]:
    """Every explanation by parts of the query, the main one first."""
    found = [subject.analysis[kind] for kind in QUERY if kind in subject.analysis]
    return [
        _map(subject, explanation) or _shaded(subject, explanation) or _ranking(subject, explanation)
        for explanation in found
    ]


def _map(subject: Subject, explanation: Explanation) -> Part | None:
    """None where the values are no picture: numbers with names of their own, unless they are covered patches."""
    signed_values = signed_map(explanation.values)
    own_names = len(explanation.players) == explanation.values.size and explanation.kind != "occlusion"
    if signed_values is None or own_names:
        return None
    words, sums = subject.words, regions(signed_values)
    blue, orange = subject.directions(explanation)
    names = {place: words("place", row=words(f"row_{place[0]}"), column=words(f"column_{place[1]}")) for place in sums}
    most, least = max(sums, key=sums.__getitem__), min(sums, key=sums.__getitem__)
    lines = [words("heat_for", place=names[most])] if sums[most] > 0 else []
    lines += [words("heat_against", place=names[least])] if sums[least] < 0 else []
    title = words.kind(explanation.kind)
    text = words("heat_text", blue=blue, orange=orange, lines=words.text(lines))
    drawing = heat_map(f"heat-{explanation.kind}", title, text, signed_values, subject.pixels)
    note = words("heat_scale", value=plain(saturation(signed_values)), sum=signed(float(signed_values.sum())))
    largest = max(map(abs, sums.values()))
    rows = [[names[place], signed(value, largest)] for place, value in sums.items()]
    return Part(explanation, Figure(title, drawing, [words("part"), words("contribution")], rows, note), (blue, orange))


def _shaded(subject: Subject, explanation: Explanation) -> Part | None:
    """The query itself with its parts coloured; None where its view cannot show them."""
    values, view, words = explanation.values.reshape(-1), subject.view, subject.words
    if view is None or len(view.parts) != values.size:
        return None
    largest = float(np.abs(values).max()) or 1.0
    drawing = view.shaded(values / largest)
    if drawing is None:
        return None
    printed = column(explanation)
    table = [[view.parts[i], printed[i]] for i in order(explanation)]
    note = words("shaded_scale", value=plain(largest), sum=signed(float(values.sum())))
    columns = [words("part"), words("contribution")]
    return Part(
        explanation,
        Figure(words.kind(explanation.kind), drawing, columns, table, note),
        subject.directions(explanation),
    )


def _ranking(subject: Subject, explanation: Explanation) -> Part:
    words, values, ranked = subject.words, explanation.values.reshape(-1), order(explanation)
    printed = column(explanation)
    table = [[explanation.players[i], printed[i]] for i in ranked[:PARTS]]
    rows = [
        Row(name, figure, 0.0, value, "for" if value > 0 else "against")
        for (name, figure), value in zip(table, values[ranked[:PARTS]].tolist(), strict=True)
    ]
    if rest := ranked[PARTS:]:
        total = float(values[rest].sum())
        rows.append(Row(words.count("parts_rest", len(rest)), signed(total), 0.0, total, "rest"))
    title = words.kind(explanation.kind)
    text = words(
        "ranking_text", target=words.told(explanation.target), lines=words.listed(named(*row) for row in table[:3])
    )
    drawing = bars(f"parts-{explanation.kind}", title, text, rows)
    return Part(explanation, Figure(title, drawing, [words("part"), words("contribution")], table), None)
