"""What is the smallest change of the query that would change the answer? Parts taken from a rival's example (A12).

Patches of an image, entries of a row, tokens or steps of a sequence come from a support example of the rival class, so
that what is put in is real. Always the exchange that helps most, until the model answers otherwise; then back with
whatever was not needed. Goyal et al., "Counterfactual Visual Explanations", 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fewsight import tree
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.parts import Parts
from fewsight.explain.query import TRANSDUCTIVE
from fewsight.explain.rival import Contest, lead_of, scores
from fewsight.explain.support_inputs import one
from fewsight.explain.target import class_names
from fewsight.tree import Tree


@dataclass(frozen=True, eq=False)
class Edit:
    """A changed query: parts `(P,)` of it replaced by those parts of support example `donor` (-1: kept)."""

    donor: int
    swaps: np.ndarray
    answer: int
    lead: float
    """Score of the first answer minus the best other one; below 0 the answer has changed."""

    @property
    def size(self) -> int:
        return int((self.swaps >= 0).sum())


def query_counterfactual(case: Case, *, patch: int | None = None) -> Explanation:
    """1 for each part of the query that is exchanged, 0 for the others: a grid of patches, or `(P,)`.

    `value` is the number of exchanged parts; the measures are validity (whether the answer changed), proximity (how
    much of the query stayed as it was, in numbers) and sparsity (the share of parts that stayed). `provenance` has the
    donor and its parts; `edited` gives the changed query.

    Args:
        patch: side of an image's patches in pixels; default a seventh of the image.

    Raises:
        ExplanationError: a regression task, parts that cannot be exchanged, or no example of the rival class.
    """
    contest = Contest.of(case)
    parts = Parts.of(case.query, patch, case.parts)
    edits = [_edit(case, parts, donor, contest.answer, patch) for donor in contest.donors]
    best = min(edits, key=lambda edit: (edit.lead >= 0, edit.size, edit.lead))
    changed = edited(case, best.donor, best.swaps, patch=patch)
    names = [str(name) for name in class_names(case.support)]
    valid = best.lead < 0
    count = len(parts.names) if parts.cells is not None else int(parts.real.sum())
    said = ", ".join(parts.names[p] for p in np.flatnonzero(best.swaps >= 0))
    note = (
        f"With {best.size} of {count} parts from {case.names[best.donor]} ({said}) the answer becomes "
        f"{names[best.answer]!r}."
        if valid
        else f"Not even all parts of an example of {names[contest.rival]!r} that help change the answer."
    )
    return Explanation(
        kind="query_counterfactual",
        question="Which parts of the query, taken from an example of the rival class, would change the answer?",
        values=(best.swaps >= 0).astype(float).reshape(parts.shape),
        players=parts.names,
        target="number of parts that must be exchanged before the answer changes",
        value=float(best.size) if valid else float("inf"),
        baseline=None,
        baseline_name="",
        semantics="exchange",
        fidelity=(
            Measure("validity", float(valid), None, valid, "1 if the model answers otherwise for the changed query"),
            Measure(
                "proximity", _proximity(case.query, changed), None, None, "share of the query's size left unchanged"
            ),
            Measure("sparsity", 1 - best.size / max(1, count), None, None, "share of parts left unchanged"),
        ),
        notes=(
            note,
            "Found by greedy search and cut down to what is needed: every exchanged part is, but another set may be "
            "smaller.",
            *((TRANSDUCTIVE,) if case.learner.transductive else ()),
        ),
        provenance=case.record(
            donor=best.donor,
            swaps=[[int(p), int(best.swaps[p])] for p in np.flatnonzero(best.swaps >= 0)],
            answer=best.answer,
            lead=best.lead,
            patch=patch,
        ),
    )


def edited(case: Case, donor: int, swaps: np.ndarray, *, patch: int | None = None) -> Tree:
    """The query `(1, ...)` with parts `swaps` `(P,)` (-1: kept) of support example `donor`."""
    return Parts.of(case.query, patch, case.parts).swapped(Parts.of(one(case.support.x, donor), patch), swaps[None])


def _edit(case: Case, parts: Parts, donor: int, answer: int, patch: int | None) -> Edit:
    """The greedy search with one donor."""
    source = Parts.of(one(case.support.x, donor), patch)
    swaps = np.full(len(parts.names), -1)
    lead, winner = np.inf, answer

    def leads(tried: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        found = scores(case, parts.swapped(source, np.stack(tried)))
        return lead_of(found, answer), found.argmax(1)

    while lead >= 0:
        tried = [_with(swaps, p, q) for p, q in _pairs(parts, source) if swaps[p] < 0]
        if not tried:
            return Edit(donor, swaps, winner, lead)
        found, winners = leads(tried)
        best = int(found.argmin())
        swaps, lead, winner = tried[best], float(found[best]), int(winners[best])
    while (swaps >= 0).sum() > 1:
        tried = [_with(swaps, int(p), -1) for p in np.flatnonzero(swaps >= 0)]
        found, winners = leads(tried)
        best = int(found.argmin())
        if found[best] >= 0:
            break
        swaps, lead, winner = tried[best], float(found[best]), int(winners[best])
    return Edit(donor, swaps, winner, lead)


def _pairs(parts: Parts, source: Parts) -> list[tuple[int, int]]:
    """Exchanges worth trying: what is there, for what is there; patches and entries in their own place only."""
    theirs = np.flatnonzero(source.real).tolist()
    if parts.fixed:
        return [(p, p) for p in theirs]
    return [(p, q) for p in np.flatnonzero(parts.real).tolist() for q in theirs]


def _with(swaps: np.ndarray, part: int, source: int) -> np.ndarray:
    changed = swaps.copy()
    changed[part] = source
    return changed


def _proximity(query: Tree, changed: Tree) -> float:
    """1 - |x' - x| / (|x| + |x'|) over all numbers (L1); whole numbers count as equal or not."""
    away = total = 0.0
    for before, after in zip(tree.leaves(query), tree.leaves(changed), strict=True):
        if before.is_floating_point():
            a, b = before.double().nan_to_num(), after.double().nan_to_num()
            away, total = away + float((a - b).abs().sum()), total + float((a.abs() + b.abs()).sum())
        else:
            away, total = away + float((before != after).sum()), total + before.numel()
    return 1 - away / total if total else 1.0
