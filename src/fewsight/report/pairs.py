"""Which small real changes of the query would change the answer? The query and each variant, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from fewsight.report.figure import Figure
from fewsight.report.numerals import plain
from fewsight.report.subject import Subject
from fewsight.view import Redraws, View

KIND = "matched_pairs"
DRAWN = 3
"""Pairs that are drawn, the strongest among them; the table has all that were reported."""
COLUMNS = (
    "pairs_exchange",
    "pairs_text",
    "pairs_size",
    "pairs_answer",
    "pairs_score",
    "pairs_donor",
    "pairs_likeness",
)


def pair_sentences(subject: Subject) -> list[str]:
    """What the smallest variant that changes the answer is, or that none does; and the strongest, if it is another."""
    explanation, words = subject.analysis.get(KIND), subject.words
    if explanation is None:
        return []
    facts = explanation.provenance
    if not facts["changed"]:
        return [words("change_pair_none", count=facts["variants"])]
    first, most = facts["pairs"][0], facts["pairs"][facts["strongest"]]
    answer = subject.analysis.labels[first["answer"]]
    said = [words.count("change_pair", first["size"], change=first["change"], answer=answer, text=first["text"])]
    return said if most is first else [*said, words("change_pair_most", change=most["change"], text=most["text"])]


def pairs(subject: Subject) -> Figure | None:
    """None where there are none, or the query's view cannot draw them."""
    explanation, words, view = subject.analysis.get(KIND), subject.words, subject.view
    if explanation is None or view is None or not isinstance(view, Redraws):
        return None
    found, names = explanation.provenance["pairs"], subject.analysis.support_names
    strongest = found[explanation.provenance["strongest"]]
    drawn = found[:DRAWN] if strongest in found[:DRAWN] else [*found[: DRAWN - 1], strongest]
    rows = [
        [
            pair["change"],
            pair["text"],
            str(pair["size"]),
            subject.analysis.labels[pair["answer"]],
            plain(pair["value"]),
            "" if pair["donor"] is None else names[pair["donor"]],
            plain(pair["likeness"]),
        ]
        for pair in found
    ]
    return Figure(
        words.kind(KIND),
        Markup('<ul class="pairs">{}</ul>').format(
            Markup("").join(_drawn(subject, view, view.other(pair["text"]), pair) for pair in drawn)
        ),
        [words(key) for key in COLUMNS],
        rows,
        words("pairs_note", target=words.told(explanation.target), value=plain(explanation.value)),
    )


def _drawn(subject: Subject, query: View, variant: View, pair: dict[str, Any]) -> Markup:
    caption = subject.words(
        "pairs_line",
        change=pair["change"],
        answer=subject.analysis.labels[pair["answer"]],
        value=plain(pair["value"]),
    )
    return Markup('<li><div class="pair">{}<span aria-hidden="true">→</span>{}</div><p>{}</p></li>').format(
        _shaded(query, pair["taken"], 1.0), _shaded(variant, pair["put"], -1.0), caption
    )


def _shaded(view: View, places: Sequence[int], share: float) -> Markup:
    """The view with some of its parts coloured."""
    shares = np.zeros(len(view.parts))
    shares[list(places)] = share
    return view.shaded(shares) or view.large()
