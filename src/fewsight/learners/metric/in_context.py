"""In-context learning: a transformer reads the support and the query, and answers; adaptation is reading.

As in TabPFN (Hollmann et al. 2023) and CAML (Fifty et al. 2024), meta-trained on whole tasks. Labels enter as a
*relation* instead of a code: attention between two support examples is biased by whether their classes agree, and a
query's class scores are the attention it pays to each class in a last layer. So the number of ways is free and nothing
depends on the order of labels or examples. Queries attend to the support only, hence not to each other.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewsight.errors import LearnerError
from fewsight.learners.metric.attention import attend, vote
from fewsight.learners.metric.distances import Similarity
from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.limits import Count
from fewsight.networks.features import feature_size
from fewsight.task import Support, positive
from fewsight.tree import Tree


class Block(nn.Module):
    """Attention to the support, then an MLP; both residual, after normalisation (pre-norm)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.keyvalue = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.same = nn.Parameter(torch.zeros(heads))
        # Each block starts as the identity, so the learner starts as a Matching Network and learns to read from there.
        for branch in (self.out, self.mlp[-1]):
            nn.init.zeros_(branch.weight)  # type: ignore[arg-type]
            nn.init.zeros_(branch.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, context: Tensor, same: Tensor | None, support: Tree) -> Tensor:
        """`x` `(B, W)` after reading `context` `(K, W)`; `same` `(B, K)` says which pairs share a class."""
        q = self._split(self.query(self.before(x)))
        k, v = (self._split(part) for part in self.keyvalue(self.before(context)).chunk(2, -1))
        logits = (q @ k.mT) / q.shape[-1] ** 0.5
        if same is not None:
            logits = logits + self.same[:, None, None] * same
        read = attend(logits, support["weight"], support["reference"]) @ v
        x = x + self.out(read.transpose(0, 1).flatten(1))
        return x + self.mlp(self.between(x))

    def _split(self, x: Tensor) -> Tensor:
        """`(B, W)` to `(heads, B, W / heads)`."""
        return x.unflatten(-1, (self.heads, -1)).transpose(0, 1)


class InContext(EmbeddingLearner):
    """A transformer over support and query.

    Args:
        distance_metric: of the last layer, around the mean of the support; None: the cosine, smooth at 0.
        features: D of the embedding; not needed when `embedding_model.out_features` says it.
        outputs: dimension of values, for regression; None for classification.
        width: of the transformer; a multiple of `heads`.
        layers, heads: its size.
    """

    def __init__(
        self,
        embedding_model: nn.Module,
        distance_metric: str | Similarity | None = None,
        *,
        features: Count | None = None,
        outputs: int | None = None,
        width: Count = 64,
        layers: Count = 2,
        heads: Count = 4,
        transductive: bool = False,
    ) -> None:
        super().__init__(embedding_model, distance_metric or _near_cosine, transductive=transductive)
        features = feature_size(embedding_model, features, "InContext")
        if width % heads:
            raise LearnerError(f"width {width} is not a multiple of {heads} heads")
        self.kinds = frozenset({"classification" if outputs is None else "regression"})
        self.enter = nn.Sequential(nn.Linear(features, width), nn.LayerNorm(width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        # Without a scale of its own: shrinking it would be a short way to never being sure, from which none leads back.
        self.last = nn.LayerNorm(width, elementwise_affine=outputs is not None)
        self.log_temperature = nn.Parameter(torch.tensor(10.0).log())
        self.value = None if outputs is None else nn.Linear(outputs, width)
        self.answer = None if outputs is None else nn.Linear(width, outputs)

    @classmethod
    def build(cls, network: nn.Module, outputs: int | None = None, **settings: object) -> InContext:
        return cls(network, **{"outputs": outputs} | settings)  # type: ignore[arg-type]

    def solve(self, support: Support) -> Tree:
        embedding, moments = self.embed_support(support)
        x, weights = self.enter(embedding), {"weight": support.weight, "reference": support.reference}
        same = None if support.ways is None else support.one_hot @ support.one_hot.mT
        if self.value is not None:
            x = x + self.value(support.y)
        contexts = []
        for block in self.blocks:
            contexts.append(x)
            x = block(x, x, same, weights)
        labels = {} if support.ways is None else {"labels": support.one_hot}
        return {"contexts": contexts, "read": x, "moments": moments} | weights | labels

    def score(self, state: Tree, query: Tree) -> Tensor:
        x = self.enter(self.embed_query(state, query))
        for block, context in zip(self.blocks, state["contexts"], strict=True):
            x = block(x, context, None, state)
        if self.answer is not None:
            return self.answer(self.last(x))
        return vote(self._logits(x, state), state["weight"], state["reference"], state["labels"])

    def _logits(self, x: Tensor, state: Tree) -> Tensor:
        """Similarity around the mean of the support: what all have read alike must not make them all alike."""
        x, keys, reference = self.last(x), self.last(state["read"]), state["reference"]
        mean = (reference / positive(reference.sum())) @ keys
        return self.log_temperature.exp() * self.similarity(x - mean, keys - mean)


def _near_cosine(a: Tensor, b: Tensor) -> Tensor:
    """The cosine; vectors as short as 0.1 or less, the mean itself above all, stay near 0."""
    a, b = (x / (x.square().sum(-1, keepdim=True) + 0.01).sqrt() for x in (a, b))
    return a @ b.mT
