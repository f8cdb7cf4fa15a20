"""Which class nearly won, and which examples speak for it? What a search for another answer starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.query import in_batches
from fewsight.tree import Tree


@dataclass(frozen=True)
class Contest:
    """The answer to the query and the class it is challenged by.

    Attributes:
        answer, rival: their indices; the rival is the target's second class, else the runner-up.
        lead: score of the answer minus the best other one.
        donors: the rival's support examples that are there.
    """

    answer: int
    rival: int
    lead: float
    donors: tuple[int, ...]

    @classmethod
    def of(cls, case: Case) -> Self:
        """Raises ExplanationError: a regression task, or a rival without examples."""
        support = case.support
        if support.ways is None:
            raise ExplanationError(
                "a regression task has no answer that flips: ask integrated_gradients what moves its value"
            )
        found = scores(case, case.query)
        answer = int(found.argmax())
        others = np.where(np.arange(support.ways) == answer, -np.inf, found[0])
        rival = int(others.argmax()) if case.target.other in (None, answer) else case.target.other
        here = support.weight.detach().cpu().numpy() > 0
        donors = np.flatnonzero(here & (support.y.cpu().numpy() == rival))
        if not donors.size:
            raise ExplanationError("the rival class has no support example to take parts from")
        return cls(answer, rival, float(lead_of(found, answer)[0]), tuple(donors.tolist()))


def scores(case: Case, queries: Tree) -> np.ndarray:
    """Scores of the adapted model, `(M, N)` float64; a class without examples cannot win."""
    with torch.no_grad():
        return in_batches(case, queries, case.model).double().cpu().numpy()


def lead_of(scores: np.ndarray, answer: int) -> np.ndarray:
    """Score of one class minus the best other one, `(M,)`; below 0 another class wins."""
    return scores[:, answer] - np.delete(scores, answer, axis=1).max(1)
