"""Which classes are confused, and by which examples? Who pushed the queries of a class to the wrong answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fewsight.errors import ExplanationError
from fewsight.explain.crowd import Crowd
from fewsight.explain.explanation import Explanation
from fewsight.explain.record import of_fields, plain
from fewsight.explain.subsets import shapley
from fewsight.explain.target import class_names

PAIRS = 10
"""Confused pairs that are explained, the most frequent first."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Queries of one class that were given the answer of another.

    Attributes:
        truth, answer: the two classes.
        queries: names of the queries.
        reasons: each support example's share of their mean contrast z_answer - z_truth; positive pushed to the error.
    """

    truth: str
    answer: str
    queries: tuple[str, ...]
    reasons: Explanation

    def __str__(self) -> str:
        values = self.reasons.values
        worst = [
            f"{self.reasons.players[i]} {values[i]:+.3f}"
            for i in np.argsort(-values, kind="stable")[:3]
            if values[i] > 0
        ]
        flag = "" if self.reasons.complete else " (DOES NOT ADD UP)"
        who = ", ".join(worst) or "no single example"
        return f"{len(self.queries)} of {self.truth} taken for {self.answer}{flag}: pushed there by {who}"


@dataclass(frozen=True, eq=False)
class Confusion:
    """Attributes:
    labels: the classes.
    counts: queries by true class (rows) and answer (columns), `(N, N)`.
    pairs: the confused pairs with their reasons, the most frequent first; `PAIRS` at most.
    """

    labels: tuple[str, ...]
    counts: np.ndarray
    pairs: tuple[Pair, ...]

    def __str__(self) -> str:
        width = max(5, *(len(label) for label in self.labels))
        rows = [("", *self.labels), *((label, *row) for label, row in zip(self.labels, self.counts, strict=True))]
        table = ["  " + " ".join(f"{cell!s:>{width}}" for cell in row) for row in rows]
        return "\n".join(["true class (rows) by answer (columns):", *table, *(f"  {pair}" for pair in self.pairs)])

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema "fewsight.confusion/1"."""
        return plain(of_fields(self) | {"schema": "fewsight.confusion/1"})


def confusion(case: Crowd) -> Confusion:
    """The confusion of labelled queries, and for each confused pair the examples responsible.

    Their mean contrast is split by Shapley values, mostly from coalitions whose scores are known already.
    """
    labels = tuple(str(name) for name in class_names(case.support))
    if not labels or not case.labelled:
        raise ExplanationError("a confusion table needs classes, and queries whose class is known")
    truth, answer = case.truth.numpy(), case.answers().argmax(-1)
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (truth, answer), 1)
    wrong = counts * ~np.eye(len(labels), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[: min(PAIRS, int((wrong > 0).sum()))]
    pairs = [_pair(case, labels, *divmod(int(cell), len(labels))) for cell in order]
    return Confusion(labels, counts, tuple(pairs))


def _pair(case: Crowd, labels: tuple[str, ...], truth: int, answer: int) -> Pair:
    here = np.flatnonzero((case.truth.numpy() == truth) & (case.answers().argmax(-1) == answer)).tolist()
    text = f"mean score of {labels[answer]!r} minus that of {labels[truth]!r}"
    aimed = case.pushed(here, answer, truth, text)
    reasons = replace(
        shapley(aimed),
        kind="confusion",
        question=f"Which support examples made queries of {labels[truth]!r} look like {labels[answer]!r}?",
    )
    return Pair(labels[truth], labels[answer], tuple(case.query_names[q] for q in here), reasons)
