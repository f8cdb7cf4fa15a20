"""Which small real change of the query changes the answer? Variants that its domain offers, all put to the model (A12).

For molecules these are matched molecular pairs: one substituent exchanged (Hussain and Rea 2010). The model adapts
once and scores every variant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from fewsight import tree
from fewsight.errors import DataError, ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.parts import Parts
from fewsight.explain.query import TRANSDUCTIVE
from fewsight.explain.rival import Contest, lead_of, scores
from fewsight.explain.target import class_names
from fewsight.variants import Variant, Variants

SHOWN = 8
"""Variants that are reported."""
NONE = "no small real changes of this kind of input are known (for molecules they are)"


def matched_pairs(case: Case) -> Explanation:
    """How far each reported variant moves F, `(R,)`; the players are the variants.

    Reported are those that change the answer, fewest exchanged parts first; if there are none, those that come nearest
    to it; of one exchange in several places the best. Among them is the strongest, after which the answer is farthest
    behind. `provenance["pairs"]` has each in full, `["strongest"]` its place, `["changed"]` how many of all variants
    change the answer.

    Raises:
        ExplanationError: a regression task, no rival, or no variants.
    """
    if case.offers is None:
        raise ExplanationError(NONE)
    contest = Contest.of(case)
    try:
        offered = case.offers(contest.donors)
    except DataError as error:
        raise ExplanationError(str(error)) from None
    queries = tree.tree_map(lambda new, old: new.to(old), offered.x, case.query)
    found = scores(case, queries)
    leads, answers = lead_of(found, contest.answer), found.argmax(1)
    moved = case.target(torch.from_numpy(found)).numpy()
    value = case.query_values(case.query).item()
    order = _reported(offered.known, leads)
    changed, strongest = int((leads < 0).sum()), order.index(int(leads.argmin()))
    names = [str(name) for name in class_names(case.support)]
    pairs = [
        asdict(offered.known[i])
        | {"size": offered.known[i].size, "answer": int(answers[i]), "lead": float(leads[i]), "value": float(moved[i])}
        for i in order
    ]
    return Explanation(
        kind="matched_pairs",
        question="Which small real change of the query would change the answer?",
        values=moved[order] - value,
        players=tuple(f"{pair['change']}: {pair['text']}" for pair in pairs),
        target=case.target.description,
        value=value,
        baseline=None,
        baseline_name="",
        semantics="exchange",
        fidelity=_measures(case, offered, order[0], changed > 0),
        notes=(
            *_notes(pairs, strongest, names, changed, offered),
            f"What is put in comes from the support examples of {names[contest.rival]!r} or from the query itself.",
            "A variant is a question to the model: nobody may have made it or measured it.",
            *((TRANSDUCTIVE,) if case.learner.transductive else ()),
        ),
        provenance=case.record(
            pairs=pairs, strongest=strongest, variants=len(leads), changed=changed, rival=contest.rival
        ),
    )


def _reported(known: Sequence[Variant], leads: np.ndarray) -> list[int]:
    """The variants to report, the smallest that changes the answer first; the strongest is among them."""
    best: dict[str, int] = {}
    flips = leads < 0
    for i in np.lexsort([leads, np.where(flips, [variant.size for variant in known], 0), ~flips]).tolist():
        best.setdefault(known[i].change, i)
    order, strongest = list(best.values())[:SHOWN], int(leads.argmin())
    return order if strongest in order else [*order[: SHOWN - 1], strongest]


def _measures(case: Case, offered: Variants, best: int, valid: bool) -> tuple[Measure, ...]:
    """Of the first reported variant. That none changes the answer is a finding, not a failure."""
    variant = offered.known[best]
    parts = int(Parts.of(case.query, names=case.parts).real.sum())
    return (
        Measure(
            "validity",
            float(valid),
            None,
            True if valid else None,
            "1 if the model answers otherwise for the changed query",
        ),
        Measure(
            "variants that can exist",
            len(offered.known) / offered.tried,
            None,
            None,
            "share of those made that are whole inputs (molecules: read, sanitised, valences kept)",
        ),
        Measure(
            "proximity", variant.likeness, None, None, "likeness to the query, 1 for the same (molecules: Tanimoto's)"
        ),
        Measure("sparsity", 1 - len(variant.taken) / parts, None, None, "share of parts left unchanged"),
    )


def _notes(
    pairs: list[dict[str, Any]], strongest: int, names: Sequence[str], changed: int, offered: Variants
) -> list[str]:
    count, first, most = len(offered.known), pairs[0], pairs[strongest]
    if not changed:
        said = [f"None of {count} variants changes the answer; those that come nearest are reported."]
    else:
        said = [
            f"With {first['change']} the answer becomes {names[first['answer']]!r}: {first['text']}. Parts exchanged: "
            f"{first['size']}.",
            f"{changed} of {count} variants change the answer.",
        ]
    if strongest:
        said.append(f"The strongest change is {most['change']}: {most['text']}.")
    return said + ([f"{offered.left} larger exchanges were not tried."] if offered.left else [])
