"""A network that is told the task: one forward pass over the support sets the biases and scales of the embedding.

Requeima et al., "Fast and Flexible Multi-Task Classification Using Conditional Neural Adaptive Processes" (CNAPs),
2019, sections 2.1 and 2.2: adaptation is amortised, no gradient step is taken. FiLM moves the scales and shifts of
each channel (Perez et al. 2018); here every one-dimensional parameter of the network, which is what these are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewsight.learners.metric.distances import Similarity, flat
from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.learners.prototypes import class_means
from fewsight.limits import Count
from fewsight.networks import MLP
from fewsight.networks.features import feature_size
from fewsight.networks.norm import Moments, embed_query, embed_support
from fewsight.task import Support, positive
from fewsight.tree import Tree

REACH = 0.1
"""How far a parameter can be moved at first. Without a limit an early task can silence units that never come back."""


class FiLM(EmbeddingLearner):
    """theta_1d <- theta_1d + reach tanh(delta(task)), then distance to prototypes; a linear layer in regression.

    The task is seen through the embedding before it is told: the mean over the support of an encoding of each example,
    of its class mean and, in regression, of its value. What is generated starts at 0: an untrained FiLM is a
    Prototypical Network.

    Args:
        features: D of the embedding; not needed when `embedding_model.out_features` says it.
        outputs: dimension of values, for regression; None for classification.
        width: of the task's code.
    """

    def __init__(
        self,
        embedding_model: nn.Module,
        distance_metric: str | Similarity = "euclidean",
        *,
        features: Count | None = None,
        outputs: int | None = None,
        width: Count = 64,
        transductive: bool = False,
    ) -> None:
        super().__init__(embedding_model, distance_metric, transductive=transductive)
        features = feature_size(embedding_model, features, "FiLM")
        self.kinds = frozenset({"classification" if outputs is None else "regression"})
        self.told = {name: p.shape[0] for name, p in embedding_model.named_parameters() if p.ndim == 1}
        self.encoder = MLP([features + (outputs or features), width, width])
        self.generator = MLP([width, width, sum(self.told.values())])
        nn.init.zeros_(self.generator.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.generator.layers[-1].bias)  # type: ignore[arg-type]
        self.reach = nn.Parameter(torch.full((sum(self.told.values()),), REACH))
        self.answer = None if outputs is None else nn.Linear(features, outputs)

    @classmethod
    def build(cls, network: nn.Module, outputs: int | None = None, **settings: object) -> FiLM:
        return cls(network, **{"outputs": outputs} | settings)  # type: ignore[arg-type]

    def solve(self, support: Support) -> Tree:
        deltas = self.tell(support)
        embedding, moments = self._embed_told(deltas, support)
        means = {} if support.ways is None else {"prototypes": class_means(support, embedding)}
        return {"deltas": deltas, "moments": moments} | means

    def tell(self, support: Support) -> dict[str, Tensor]:
        """What the support adds to each one-dimensional parameter of the network, by name."""
        before, _ = super().embed_support(support)
        beside = support.y if support.ways is None else support.one_hot @ class_means(support, before)
        task = support.weight / positive(support.reference.sum()) @ self.encoder(torch.cat([before, beside], -1))
        parts = (self.reach * self.generator(task[None])[0].tanh()).split(list(self.told.values()))
        return dict(zip(self.told, parts, strict=True))

    def prototypes(self, state: Tree) -> Tensor:
        """One prototype for each class, `(N, D)`."""
        return state["prototypes"]

    def embed_support(self, support: Support) -> tuple[Tensor, Moments]:
        return self._embed_told(self.tell(support), support)

    def embed_query(self, state: Tree, query: Tree) -> Tensor:
        moments = None if self.transductive else state["moments"]
        return flat(embed_query(self._told(state["deltas"]), query, moments))

    def score(self, state: Tree, query: Tree) -> Tensor:
        embedding = self.embed_query(state, query)
        if self.answer is not None:
            return self.answer(embedding)
        return self.similarity(embedding, self.prototypes(state))

    def _embed_told(self, deltas: dict[str, Tensor], support: Support) -> tuple[Tensor, Moments]:
        embedding, moments = embed_support(self._told(deltas), support.x, support.reference)
        return flat(embedding), moments

    def _told(self, deltas: dict[str, Tensor]) -> Callable[[Tree], Tensor]:
        own = dict(self.embedding_model.named_parameters())
        moved = {name: own[name] + delta for name, delta in deltas.items()}
        return lambda x: functional_call(self.embedding_model, moved, (x,))
