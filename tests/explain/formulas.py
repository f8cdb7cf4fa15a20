"""A predictor that is a formula of the query, so that its surrogates are known by hand."""

from __future__ import annotations

from collections.abc import Callable

import tiny
import torch
from torch import Tensor

from fewsight import tree
from fewsight.explain.case import Case
from fewsight.learner import Learner
from fewsight.task import Support

Formula = Callable[[tree.Tree], Tensor]


class Written(Learner):
    """Scores (g(x), 0), whatever the support."""

    def __init__(self, formula: Formula) -> None:
        super().__init__()
        self.formula = formula

    def solve(self, support: Support) -> tree.Tree:
        return {}

    def score(self, state: tree.Tree, query: tree.Tree) -> Tensor:
        first = self.formula(query)
        return torch.stack([first, torch.zeros_like(first)], -1)


def formula_case(formula: Formula) -> Case:
    return tiny.case(Written(formula), tiny.support(2, 4), target=("contrast", "a", "b"))
