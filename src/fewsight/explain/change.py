"""Which part of the query is seen differently since the support set was given? The change f_T - f_0, attributed (A2).

f_0 is the un-adapted model: the one in which no support example has any weight. Everything else is integrated
gradients (`query`), of a case whose F of a query is the difference of two models.
"""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cached_property

import torch
from torch import Tensor

from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.query import integrated_gradients
from fewsight.learner import Model
from fewsight.tree import Tree


class ChangeCase(Case):
    """A case whose F of a query is F of the adapted minus F of the un-adapted model."""

    @cached_property
    def before(self) -> Model:
        silent = self.support.reweighted(torch.zeros_like(self.support.weight), drop=True)
        with self.frozen(), torch.no_grad():
            return self.learner.adapt(silent)

    def query_values(self, queries: Tree) -> Tensor:
        with self.frozen():  # entered anew, so that both models draw the same random numbers
            before = self.target(self.before(queries).double())
        return super().query_values(queries) - before


def as_change(case: Case) -> Case:
    """The case in which the change is what is explained."""
    return ChangeCase(**{field.name: getattr(case, field.name) for field in fields(Case)})


def change(case: Case) -> Explanation:
    """Integrated gradients of f_T - f_0 from zeros to the query, the shape of the query; sums to the change there."""
    found = integrated_gradients(as_change(case))
    return replace(
        found,
        kind="change",
        question="Which part of the query does the adapted model judge differently from the un-adapted one?",
        target=f"what adaptation changed in the {case.target.description}",
    )
