"""Prototypical Networks: a class is the mean of its embedded examples, a query goes to the nearest.

Snell, Swersky, Zemel, "Prototypical Networks for Few-shot Learning", 2017, equations 1 and 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fewsight.errors import LearnerError
from fewsight.learners.metric.distances import euclidean
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

    def kernel_form(self, support: Support, query: Tree) -> dict[str, Tensor]:
        """Scores as start + sum_i <support_i, query> coefficients_i: -|f|^2 - |p_c|^2 + 2 <p_c, f>.

        Returns:
            "start" `(Q, N)`, "coefficients" and "offsets" (zeros) `(K, N)`, "query" `(Q, D)`, "support" `(K, D)`.

        Raises:
            LearnerError: the similarity is not the squared Euclidean distance.
        """
        if self.similarity is not euclidean:
            raise LearnerError("a sum of inner products needs prototypes compared by squared Euclidean distance")
        embedding, moments = self.embed_support(support)
        asked = self.embed_query({"moments": moments}, query)
        # Prototypes are linear in the embeddings, so the identity in their place shows how.
        mixing = class_means(support, torch.eye(support.size, dtype=embedding.dtype, device=embedding.device))
        return {
            "start": -asked.square().sum(-1, keepdim=True) - (mixing @ embedding).square().sum(-1),
            "coefficients": 2 * mixing.mT,
            "offsets": torch.zeros_like(mixing.mT),
            "query": asked,
            "support": embedding,
        }

    def score(self, state: Tree, query: Tree) -> Tensor:
        return self.similarity(self.embed_query(state, query), self.prototypes(state))
