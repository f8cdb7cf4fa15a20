"""Matching Networks: the answer is the support labels, averaged by attention: y = sum_i a(x, x_i) y_i.

Vinyals et al., "Matching Networks for One Shot Learning", 2016, equation 1, without full-context embeddings.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewsight.learners.metric.attention import attend, vote
from fewsight.learners.metric.distances import Similarity
from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.limits import Positive
from fewsight.task import Support
from fewsight.tree import Tree


class MatchingNetwork(EmbeddingLearner):
    """a(x, x_i) = v_i exp(tau k(x, x_i)) / sum_j v_j exp(tau k(x, x_j)); scores are log probabilities.

    In regression the answer is the attention-weighted mean of the support values. Dropping an example (see
    `Support.reference`) sends its attention to "I do not know", the uniform prediction (0 in regression).

    Args:
        temperature: initial tau, which is meta-learned. The paper has tau = 1, which with cosine similarity can
            never be sure (p <= .65 in 5 ways); 1 with `learn_temperature=False` reproduces it.
        learn_temperature: False keeps tau as given.
    """

    def __init__(
        self,
        embedding_model: nn.Module,
        distance_metric: str | Similarity = "cosine",
        *,
        temperature: Positive = 10.0,
        learn_temperature: bool = True,
        transductive: bool = False,
    ) -> None:
        super().__init__(embedding_model, distance_metric, transductive=transductive)
        self.log_temperature = nn.Parameter(torch.tensor(temperature).log(), requires_grad=learn_temperature)

    def solve(self, support: Support) -> Tree:
        embedding, moments = self.embed_support(support)
        answers = {"values": support.y} if support.ways is None else {"labels": support.one_hot}
        return answers | {
            "embedding": embedding,
            "weight": support.weight,
            "reference": support.reference,
            "moments": moments,
        }

    def attention(self, state: Tree, query: Tree) -> Tensor:
        """a(x, x_i) of each query and support example, `(Q, K)`; rows sum to 1 unless examples are dropped."""
        return attend(self._logits(state, query), state["weight"], state["reference"])

    def score(self, state: Tree, query: Tree) -> Tensor:
        if "values" in state:
            return self.attention(state, query) @ state["values"]
        return vote(self._logits(state, query), state["weight"], state["reference"], state["labels"])

    def _logits(self, state: Tree, query: Tree) -> Tensor:
        return self.log_temperature.exp() * self.similarity(self.embed_query(state, query), state["embedding"])
