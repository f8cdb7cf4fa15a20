"""What would change the model's mind? Removing or relabelling examples, parts of the query, and examples together."""

from __future__ import annotations

import numpy as np

from fewsight.explain.explanation import Explanation
from fewsight.report.numerals import percent, plain, signed
from fewsight.report.pairs import pair_sentences
from fewsight.report.subject import Subject, probability

PAIRS = 3
"""Pairs of examples to name."""
SETS = ("removal", "relabelling", "query_counterfactual")
"""Searches for the smallest change that gives another answer."""


def changes(subject: Subject) -> list[str]:
    """A sentence each, the most consequential first; empty where the analysis holds nothing to say it from."""
    removal, pairs = subject.analysis.get("leave_one_out"), subject.analysis.get("interactions")
    sentences = _removal(subject, removal) if removal is not None and removal.values.size == subject.size else []
    fits = pairs is not None and pairs.values.shape == (subject.size, subject.size)
    sentences += [sentence for kind in SETS for sentence in _smallest(subject, kind)]
    sentences += pair_sentences(subject)
    return [*sentences, *(_pairs(subject, pairs) if pairs is not None and fits else [])]


def _smallest(subject: Subject, kind: str) -> list[str]:
    """What the smallest change that was found does; nothing where none was found."""
    explanation = subject.analysis.get(kind)
    if explanation is None or not np.isfinite(explanation.value):
        return []
    facts, words, names = explanation.provenance, subject.words, subject.analysis.support_names
    answer = subject.analysis.labels[facts["answer"]]
    if kind == "query_counterfactual":
        count = len(facts["swaps"])
        return [words.count("change_query", count, name=names[facts["donor"]], answer=answer)]
    told = [
        words("change_called", name=names[i], label=subject.analysis.labels[c])
        if c >= 0
        else words("quoted", text=names[i])
        for i, c in facts["moves"]
    ]
    key = "change_removal" if kind == "removal" else "change_relabelling"
    return [words(key, examples=words.listed(told), answer=answer)]


def _removal(subject: Subject, explanation: Explanation) -> list[str]:
    words, names = subject.words, subject.analysis.support_names
    effects = explanation.values.reshape(-1)
    left = explanation.value - effects
    gone = [
        words("change_gone", name=names[i], label=subject.label(i)) for i in range(subject.size) if np.isnan(effects[i])
    ]
    if np.isnan(effects).all():
        return gone
    largest = int(np.nanargmax(np.abs(effects)))
    shown = percent_of_margin if subject.odds(explanation) else plain
    moves = words(
        "change_largest", name=names[largest], before=shown(explanation.value), after=shown(float(left[largest]))
    )
    if not subject.odds(explanation) or explanation.value <= 0:
        return [moves, *gone]
    flips = [
        words("change_flip", name=names[i], label=subject.label(i), answer=subject.answer)
        for i in np.argsort(left)
        if left[i] < 0
    ]
    return [*(flips or [words("change_flip_none", answer=subject.answer)]), moves, *gone]


def percent_of_margin(margin: float) -> str:
    return percent(probability(margin))


def _pairs(subject: Subject, explanation: Explanation) -> list[str]:
    """The strongest pairs. What their sign means depends on the side both examples are on."""
    names, values = subject.analysis.support_names, explanation.values
    each = subject.evidence.values.reshape(-1) if subject.evidence is not None else np.zeros(subject.size)
    pairs = [(i, j) for i in range(subject.size) for j in range(i + 1, subject.size) if values[i, j]]
    sentences = []
    for i, j in sorted(pairs, key=lambda pair: -abs(values[pair]))[:PAIRS]:
        same_way = np.sign(each[i]) * np.sign(each[j]) > 0
        key = "change_mixed" if not same_way else "change_stronger" if values[i, j] * each[i] > 0 else "change_overlap"
        sentences.append(subject.words(key, first=names[i], second=names[j], value=signed(float(values[i, j]))))
    return sentences
