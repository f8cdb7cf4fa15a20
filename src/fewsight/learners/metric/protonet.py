"""Prototypical Networks: a class is the mean of its embedded examples, a query goes to the nearest.

Snell, Swersky, Zemel, "Prototypical Networks for Few-shot Learning", 2017, equations 1 and 2.
"""

from __future__ import annotations

from torch import Tensor

from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.learners.prototypes import class_means
from fewsight.task import Support
from fewsight.tree import Tree


class ProtoNet(EmbeddingLearner):
    """z_c = -|f(x) - p_c|^2 with p_c = sum_i (v_i / sum_c v) s_i; any other similarity may take its place."""

    kinds = frozenset({"classification"})

    def solve(self, support: Support) -> Tree:
        embedding, moments = self.embed_support(support)
        return {"prototypes": class_means(support, embedding), "moments": moments}

    def prototypes(self, state: Tree) -> Tensor:
        """One prototype for each class, `(N, D)`."""
        return state["prototypes"]

    def score(self, state: Tree, query: Tree) -> Tensor:
        return self.similarity(self.embed_query(state, query), self.prototypes(state))
