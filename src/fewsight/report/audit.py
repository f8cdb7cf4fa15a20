"""How does an audit become a page? One file that needs nothing else, in the look of the page of a single answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fewsight.audit import Audit, Example
from fewsight.explain.fairness import Fairness
from fewsight.picture import Picture
from fewsight.report import palette
from fewsight.report.audit_figures import confused, influence, values
from fewsight.report.checks import examined
from fewsight.report.embed import packed
from fewsight.report.evidence import Card
from fewsight.report.figure import Figure
from fewsight.report.numerals import percent, plain, points, signed
from fewsight.report.page import template
from fewsight.report.verdict import Light, broken, passed
from fewsight.report.views import Shown, in_chart, on_card, viewed
from fewsight.report.words import Words
from fewsight.view import View

CARDS = 12
"""Doubtful labels that are shown as cards; the table has all."""
HEADS = {"accuracy": ("audit_accuracy_head", "audit_gap_accuracy"), "loss": ("audit_loss_head", "audit_gap_loss")}
"""What a measure and its gap are called."""
FLIPS = 20
"""Changed answers that are shown at once; beyond it they wait behind a line that says how many there are."""


@dataclass(frozen=True)
class Groups:
    """The fairness section: two tables and the influence charts."""

    columns: list[str]
    rows: list[list[str]]
    answers: tuple[list[str], list[list[str]]]
    influence: list[Figure]


def render_audit(audit: Audit, views: Sequence[Shown] | None = None, language: str = "en") -> str:
    """The page as HTML.

    Args:
        views: one for each support example, a `View` or a picture of uint8; None: names stand alone.
        language: one of `words.CATALOGUES`.

    Raises:
        DataError: pictures that are no uint8 images, or an unknown language.
    """
    words, found = Words(language), audit.population
    names = [example.file for example in audit.support]
    seen: Sequence[View | None] = viewed(views, names) or [None] * len(names)
    thumbnails = [in_chart(view) for view in seen]
    script, link = packed(audit.undated() | {"fingerprint": audit.fingerprint})
    coarse = all(not isinstance(view, Picture) or view.coarse for view in seen)
    return template("audit.html.j2").render(
        words=words,
        audit=audit,
        found=found,
        title=words("audit_title", queries=len(audit.queries), examples=len(audit.support)),
        style=palette.style(),
        coarse=coarse,
        light=_light(audit, words),
        facts=_facts(audit, words),
        figures=values(audit, words, thumbnails),
        doubts=_doubts(audit, words, seen),
        suspects=_suspects(audit, words),
        flips=_flips(audit, words),
        flips_shown=FLIPS,
        confusion=_confusion(audit, words),
        confused=confused(audit, words, thumbnails),
        gone=words.listed(names[i] for i in np.flatnonzero(np.isnan(found.flips.deciding))) if found.flips else "",
        groups=None if found.fairness is None else _groups(found.fairness, words),
        tested=examined(words, found.valuation, True),
        files=[
            (words("audit_files_support"), *_files(audit.support, words)),
            (words("audit_files_queries"), *_files(audit.queries, words)),
        ],
        script=script,
        link=link,
    )


def _light(audit: Audit, words: Words) -> Light:
    """Poor: the values do not add up or a control reproduces them; fair: another failed check or a caveat."""
    found = audit.population.valuation
    reasons = [words("reason_failed", kind=words.kind(found.kind), failure=text) for text in words.failures(found)]
    reasons += map(words.told, audit.caveats)
    if broken(found):
        return Light("poor", words("light_poor"), reasons)
    if reasons:
        return Light("fair", words("light_fair"), reasons)
    return Light("good", words("light_good"), [words.count("reason_passed", passed(found))])


def _facts(audit: Audit, words: Words) -> list[str]:
    """The audit in a few sentences."""
    found, size = audit.population, len(audit.queries)
    said = []
    if (whole := found.performance) is None or whole.accuracy is None or whole.accuracy_interval is None:
        said.append(words("audit_unlabelled"))
    else:
        low, high = map(percent, whole.accuracy_interval)
        hits = round(whole.accuracy * size)
        said.append(
            words("audit_accuracy", hits=hits, queries=size, accuracy=percent(whole.accuracy), low=low, high=high)
        )
        said += [words("sentence", text=words.told(each)) for each in audit.repeats]
        if audit.lost_to:
            name = audit.lost_to[0]
            better = percent((audit.simple or {})[name])
            said.insert(0, words("audit_lost", name=words.told(name), better=better, accuracy=percent(whole.accuracy)))
        elif audit.simple:
            told = words.listed(f"{words.told(name)}: {percent(share)}" for name, share in audit.simple.items())
            said.append(words("audit_simple", answers=told))
        said.append(words("audit_loss", before=plain(whole.unadapted_loss), after=plain(whole.loss)))
    if found.flips is not None:
        said.append(words("audit_firm", firm=found.flips.firm, queries=size))
    doubted = len(_contradicted(audit))
    said.append(words.count("audit_doubt", doubted) if doubted else words("audit_doubt_none"))
    if found.fairness is not None:
        clear = [gap for gap in found.fairness.gaps if gap.clear]
        said += [
            words(
                "audit_gap",
                group=gap.group,
                measure=words(HEADS[gap.measure][1]).lower(),
                value=signed(gap.value),
                low=signed(gap.interval[0]),
                high=signed(gap.interval[1]),
            )
            for gap in clear
        ] or [words("audit_gap_none")]
    return said


def _contradicted(audit: Audit) -> list[int]:
    """Examples to whose label all the others say something else, the most doubtful first."""
    suspects = audit.population.suspects
    return [i for i in suspects.order if suspects.looks_like[i] not in ("", suspects.labels[i])]


def _doubts(audit: Audit, words: Words, seen: Sequence[View | None]) -> list[Card]:
    suspects = audit.population.suspects
    largest = float(np.nanmax(suspects.own_loss, initial=0.0)) or 1.0
    return [
        Card(
            tone="against",
            name=audit.support[i].file,
            short=audit.support[i].file.rsplit("/", 1)[-1],
            label=words("audit_labelled", label=suspects.labels[i]),
            view=on_card(seen[i]),
            value=float(suspects.own_loss[i]),
            figure=plain(float(suspects.own_loss[i])),
            share=float(suspects.own_loss[i]) / largest,
            without="",
            flag=words("audit_others_say", label=suspects.looks_like[i]),
        )
        for i in _contradicted(audit)[:CARDS]
    ]


def _suspects(audit: Audit, words: Words) -> tuple[list[str], list[list[str]]]:
    """All labels, the most doubtful first."""
    suspects = audit.population.suspects
    columns = [words("example"), words("audit_label"), words("audit_likes"), words("audit_own_loss")]
    rows = [
        [
            audit.support[i].file,
            suspects.labels[i],
            suspects.looks_like[i] or words("audit_sole"),
            plain(float(suspects.own_loss[i])),
            *([] if suspects.value is None else [signed(float(suspects.value[i]))]),
        ]
        for i in suspects.order
    ]
    return columns + ([] if suspects.value is None else [words("value")]), rows


def _flips(audit: Audit, words: Words) -> tuple[list[str], list[list[str]]]:
    columns = [words("audit_without"), words("audit_query"), words("audit_before"), words("audit_after")]
    found = audit.population.flips
    return columns, [[each.example, each.query, each.before, each.after] for each in (found.flips if found else ())]


def _confusion(audit: Audit, words: Words) -> tuple[list[str], list[list[str]]] | None:
    """The table of true classes by answers."""
    table = audit.population.confusion
    if table is None:
        return None
    columns = [words("audit_truth"), *(words("audit_taken_for", label=label) for label in table.labels)]
    rows = [[label, *map(str, row)] for label, row in zip(table.labels, table.counts.tolist(), strict=True)]
    return columns, rows


def _groups(found: Fairness, words: Words) -> Groups:
    gaps = {(gap.group, gap.measure): gap for gap in found.gaps}
    measures = [name for name in ("accuracy", "loss") if (found.groups[0], name) in gaps]
    rows = []
    for each in found.performance:
        shown = [each.group, str(each.queries)]
        if each.accuracy is not None and each.accuracy_interval is not None:
            low, high = map(percent, each.accuracy_interval)
            shown.append(f"{percent(each.accuracy)} ({low} … {high})")
        shown.append(plain(each.loss))
        for name in measures:
            gap = gaps[each.group, name]
            printed = points if name == "accuracy" else signed
            shown.append(f"{printed(gap.value)} ({printed(gap.interval[0])} … {printed(gap.interval[1])})")
        rows.append(shown)
    heads = [
        "audit_group",
        "audit_queries",
        *(HEADS[name][0] for name in measures),
        *(HEADS[name][1] for name in measures),
    ]
    columns = [words(head) for head in heads]
    labels = list(found.performance[0].answers)
    answers = [[each.group, *map(percent, each.answers.values())] for each in found.performance]
    return Groups(columns, rows, ([words("audit_group"), *labels], answers), influence(found, words))


def _files(examples: Sequence[Example], words: Words) -> tuple[list[str], list[list[str]]]:
    """A table of what went in, and for queries of what came out; columns that are empty everywhere are left out."""
    columns: dict[str, list[Any]] = {
        "audit_file": [example.file for example in examples],
        "audit_label": [example.label for example in examples],
        "audit_answer": [example.answer for example in examples],
        "audit_probability": [None if e.probability is None else percent(e.probability) for e in examples],
        "audit_group": [example.group for example in examples],
        "audit_hash": [example.sha256 for example in examples],
    }
    kept = {name: column for name, column in columns.items() if any(cell is not None for cell in column)}
    return [words(name) for name in kept], [list(row) for row in zip(*kept.values(), strict=True)]
