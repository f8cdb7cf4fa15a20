"""Which drawings does an audit have? Values and bee-swarm, the reasons of confusions, and influence between groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fewsight.audit import Audit
from fewsight.explain.fairness import Fairness
from fewsight.report.charts import Row, bars
from fewsight.report.figure import Figure
from fewsight.report.numerals import capital, signed
from fewsight.report.subject import named
from fewsight.report.swarm import Swarm, swarm
from fewsight.report.words import Words

SHOWN = 20
"""Examples drawn, those of highest and lowest value; the table behind has all."""
DOTS = 150
"""Queries drawn as dots in each row."""
REASONS = 8
"""Examples drawn for a confused pair."""

Pictures = Sequence[str | None]


def values(audit: Audit, words: Words, pictures: Pictures) -> list[Figure]:
    """The value of each example, and the bee-swarm behind it."""
    found = audit.population
    worth, interval = found.valuation.values, found.valuation.interval
    assert interval is not None
    largest = float(np.abs(worth).max())
    ranked = [int(i) for i in np.argsort(-worth, kind="stable")]
    drawn = ranked if len(ranked) <= SHOWN else ranked[: SHOWN // 2] + ranked[-SHOWN // 2 :]
    shown = [] if len(drawn) == len(ranked) else [words("audit_shown", shown=len(drawn), all=len(ranked))]
    rows = [_row(audit, i, float(worth[i]), largest, pictures) for i in drawn]
    table = [
        [
            audit.support[i].file,
            str(audit.support[i].label),
            signed(float(worth[i]), largest),
            f"{signed(float(interval[i, 0]), largest)} … {signed(float(interval[i, 1]), largest)}",
        ]
        for i in ranked
    ]
    columns = [words("example"), words("class"), words("value"), words("audit_interval")]
    strongest = sorted(ranked, key=lambda i: -abs(worth[i]))[:3]
    lines = words.listed(named(audit.support[i].file, signed(float(worth[i]), largest)) for i in strongest)
    title = words("audit_value_title")
    first = bars("values", title, words("audit_value_text", lines=lines), rows)
    return [Figure(title, first, columns, table, words.text(shown)), _swarm(audit, words, rows, drawn)]


def _swarm(audit: Audit, words: Words, rows: list[Row], drawn: list[int]) -> Figure:
    found, size = audit.population, len(audit.queries)
    kept = np.unique(np.linspace(0, size - 1, min(size, DOTS)).round().astype(int))
    classes = np.array([query.label or query.answer for query in audit.queries])
    swarms = [
        Swarm(row, found.effects.values[kept, i], classes[kept] == audit.support[i].label)
        for row, i in zip(rows, drawn, strict=True)
    ]
    columns = found.effects.values.T
    spread = [(audit.support[i].file, signed(float(columns[i].min())), signed(float(columns[i].max()))) for i in drawn]
    lines = words.listed(words("audit_swarm_line", name=name, low=low, high=high) for name, low, high in spread[:3])
    title = words("audit_swarm_title")
    note = [words("audit_swarm_note" if found.performance is not None else "audit_swarm_own")]
    if len(kept) < size:
        note.append(words("audit_drawn", shown=len(kept), all=size))
    quartiles = np.quantile(found.effects.values, [0, 0.25, 0.5, 0.75, 1], axis=0).T
    table = [[audit.support[i].file, *(signed(float(value)) for value in quartiles[i])] for i in drawn]
    heads = [words("example"), words("audit_lowest"), "25 %", "50 %", "75 %", words("audit_highest")]
    drawing = swarm("swarm", title, words("audit_swarm_text", queries=len(kept), lines=lines), swarms)
    return Figure(title, drawing, heads, table, words.text(note))


def confused(audit: Audit, words: Words, pictures: Pictures) -> list[Figure]:
    """For each confused pair, the examples that pushed its queries most, to the error or away from it."""
    table = audit.population.confusion
    figures = []
    for number, pair in enumerate(table.pairs if table else ()):
        effect = pair.reasons.values
        largest = float(np.abs(effect).max())
        ranked = [int(i) for i in np.argsort(-np.abs(effect), kind="stable")]
        rows = [_row(audit, i, float(effect[i]), largest, pictures) for i in ranked[:REASONS]]
        if rest := ranked[REASONS:]:
            total = float(effect[rest].sum())
            rows.append(Row(words.count("audit_rest", len(rest)), signed(total, largest), 0.0, total, "rest"))
        cells = [[audit.support[i].file, signed(float(effect[i]), largest)] for i in ranked]
        title = words.count("audit_confused", len(pair.queries), truth=pair.truth, answer=pair.answer)
        lines = words.listed(named(*row) for row in cells[:3])
        text = words("audit_confused_text", target=words.told(pair.reasons.target), lines=lines)
        note = words("audit_confused_note", queries=words.listed(pair.queries))
        drawing = bars(f"confused-{number}", title, text, rows)
        figures.append(Figure(title, drawing, [words("example"), words("contribution")], cells, note))
    return figures


def influence(found: Fairness, words: Words) -> list[Figure]:
    """For each group of queries, what each group of examples does for it."""
    largest = float(np.abs(found.influence).max())
    figures = []
    for number, (group, row) in enumerate(zip(found.groups, found.influence.tolist(), strict=True)):
        names = [
            words("audit_group_examples", group=name, count=count) if count > 1 else name
            for name, count in zip(found.support_groups, found.shares, strict=True)
        ]
        order = sorted(range(len(row)), key=lambda i: -abs(row[i]))
        cells = [[names[i], signed(row[i], largest)] for i in order]
        drawn = [
            Row(names[i], signed(row[i], largest), 0.0, row[i], "for" if row[i] > 0 else "against")
            for i in order[:SHOWN]
        ]
        title = capital(words("audit_influence_title", group=group))
        text = words("audit_influence_text", lines=words.listed(named(*cell) for cell in cells[:3]))
        drawing = bars(f"influence-{number}", title, text, drawn)
        figures.append(Figure(title, drawing, [words("audit_group"), words("contribution")], cells))
    return figures


def _row(audit: Audit, example: int, value: float, largest: float, pictures: Pictures) -> Row:
    file, label = audit.support[example].file, audit.support[example].label
    name = f"{label} · {file.rsplit('/', 1)[-1]}"
    return Row(name, signed(value, largest), 0.0, value, "for" if value > 0 else "against", pictures[example])
