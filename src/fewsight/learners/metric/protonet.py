"""Prototypical Networks: a class is the mean of its embedded examples, a query goes to the nearest.

Snell, Swersky, Zemel, "Prototypical Networks for Few-shot Learning", 2017, equations 1 and 2.
"""

from __future__ import annotations

from torch import Tensor

from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.task import Support, positive
from fewsight.tree import Tree


class ProtoNet(EmbeddingLearner):
    """z_c = -|f(x) - p_c|^2 with p_c = sum_i (v_i / sum_c v) s_i; any other similarity may take its place.

    Dropping an example (see `Support.reference`) moves its prototype towards the mean of the support, so that with no
    example left all prototypes coincide there and the un-adapted prediction is uniform. (Not towards the origin:
    distances do not know where that is.)
    """

    kinds = frozenset({"classification"})

    def solve(self, support: Support) -> Tree:
        embedding, moments = self.embed_support(support)
        share = support.class_share.mT.to(embedding.dtype)
        mean = (support.reference / positive(support.reference.sum())).to(embedding.dtype) @ embedding
        silent = 1 - share.sum(-1, keepdim=True)
        return {"prototypes": share @ embedding + silent * mean, "moments": moments}

    def prototypes(self, state: Tree) -> Tensor:
        """One prototype for each class, `(N, D)`."""
        return state["prototypes"]

    def score(self, state: Tree, query: Tree) -> Tensor:
        return self.similarity(self.embed_query(state, query), self.prototypes(state))
