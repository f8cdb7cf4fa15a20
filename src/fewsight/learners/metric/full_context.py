"""Matching Networks that read the whole support before comparing: full-context embeddings.

Vinyals et al., "Matching Networks for One Shot Learning", 2016, section 2.1.2 and appendix A. A bidirectional LSTM
passes over the support, so an example's embedding depends on the others *and on their order*; an LSTM with attention
then lets the query look at the support several times.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from fewsight.learners.metric.attention import attend
from fewsight.learners.metric.distances import Similarity
from fewsight.learners.metric.matching import MatchingNetwork
from fewsight.limits import Count, Natural, Positive
from fewsight.networks.features import feature_size
from fewsight.networks.lstm import Cell
from fewsight.task import Support
from fewsight.tree import Tree


class FullContext(MatchingNetwork):
    """g(x_i, S) = h_i forward + h_i backward + g'(x_i); f(x, S) after `reads` looks at the support.

    An absent example is passed over: it leaves the LSTM's state as it was, in part where its weight is a fraction.

    Args:
        features: D of the embedding; not needed when `embedding_model.out_features` says it.
        distance_metric: compares after the reads, which attend by inner product, as the paper does.
        reads: how often a query looks at the support (K of the paper).
        settings: those of `MatchingNetwork`.
    """

    order_dependent = True

    def __init__(
        self,
        embedding_model: nn.Module,
        distance_metric: str | Similarity = "cosine",
        *,
        features: Count | None = None,
        reads: Natural = 5,
        temperature: Positive = 10.0,
        learn_temperature: bool = True,
        transductive: bool = False,
    ) -> None:
        super().__init__(
            embedding_model,
            distance_metric,
            temperature=temperature,
            learn_temperature=learn_temperature,
            transductive=transductive,
        )
        size = feature_size(embedding_model, features, "FullContext")
        self.forwards, self.backwards = Cell(size, size), Cell(size, size)
        self.reader = Cell(size, size, 2 * size)
        self.reads = reads

    def solve(self, support: Support) -> Tree:
        state = super().solve(support)
        own, order = state["embedding"], range(support.size)
        passed = [self._pass(self.forwards, state, order), self._pass(self.backwards, state, reversed(order))]
        return state | {"embedding": own + passed[0] + passed[1]}

    def _pass(self, cell: Cell, state: Tree, order: Iterable[int]) -> Tensor:
        """What the LSTM says at each example, `(K, D)`."""
        own, weight = state["embedding"], state["weight"]
        h, c = cell.zeros(1, own)
        said: dict[int, Tensor] = {}
        for i in order:
            after = cell(own[i : i + 1], (h, c))
            h, c = h + weight[i] * (after[0] - h), c + weight[i] * (after[1] - c)
            said[i] = h[0]
        return torch.stack([said[i] for i in range(len(said))])

    def _logits(self, state: Tree, query: Tree) -> Tensor:
        own, keys = self.embed_query(state, query), state["embedding"]
        read, (h, c) = torch.zeros_like(own), self.reader.zeros(len(own), own)
        seen = own
        for _ in range(self.reads):
            h, c = self.reader(own, (torch.cat([h, read], -1), c))
            seen = h + own
            h, read = seen, attend(seen @ keys.mT, state["weight"], state["reference"]) @ keys
        return self.log_temperature.exp() * self.similarity(seen, keys)
