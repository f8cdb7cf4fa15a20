"""Relation Networks: the comparison itself is learned, a network that scores a query beside a class.

Sung et al., "Learning to Compare: Relation Network for Few-Shot Learning", 2018, equation 1. Two choices of ours: the
class is the mean of its examples, so that shots may differ, and scores are trained by cross-entropy, like all others.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.learners.prototypes import class_means
from fewsight.limits import Count
from fewsight.networks import MLP
from fewsight.networks.features import feature_size
from fewsight.task import Support
from fewsight.tree import Tree


class RelationNetwork(EmbeddingLearner):
    """z_c = g(p_c, f(x)).

    Args:
        relation: g, any module from `(B, 3 D)`, the class mean, the query and their squared difference, to `(B, 1)`;
            default an MLP with one hidden layer.
        features: D; not needed when `embedding_model.out_features` says it or `relation` is given.
    """

    kinds = frozenset({"classification"})

    def __init__(
        self,
        embedding_model: nn.Module,
        *,
        relation: nn.Module | None = None,
        features: Count | None = None,
        hidden: Count = 64,
        transductive: bool = False,
    ) -> None:
        super().__init__(embedding_model, transductive=transductive)
        if relation is None:
            relation = MLP([3 * feature_size(embedding_model, features, "RelationNetwork"), hidden, 1])
        self.relation = relation

    def solve(self, support: Support) -> Tree:
        embedding, moments = self.embed_support(support)
        return {"prototypes": class_means(support, embedding), "moments": moments}

    def score(self, state: Tree, query: Tree) -> Tensor:
        x, p = self.embed_query(state, query)[:, None, :], state["prototypes"][None, :, :]
        pairs = torch.cat([p.expand(x.shape[0], -1, -1), x.expand(-1, p.shape[1], -1), (x - p).square()], -1)
        return self.relation(pairs.flatten(0, 1)).reshape(pairs.shape[:2]).to(pairs.dtype)
