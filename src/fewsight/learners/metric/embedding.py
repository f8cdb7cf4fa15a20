"""What do all metric-based learners share? An embedding of support and queries; what follows differs."""

from __future__ import annotations

from torch import Tensor, nn

from fewsight.learner import Learner
from fewsight.learners.metric.distances import Similarity, flat, similarity
from fewsight.networks.norm import Moments, embed_query, embed_support
from fewsight.task import Support
from fewsight.tree import Tree


class EmbeddingLearner(Learner):
    """A learner on top of an embedding network and a distance.

    Args:
        embedding_model: any module from inputs `(B, ...)` to embeddings `(B, ...)`, which are flattened.
        distance_metric: "euclidean", "cosine", "dot", or a callable `(Q, D), (S, D) -> (Q, S)`, larger = nearer.
        transductive: normalise queries by the statistics of the queries; only for paper comparison.
    """

    def __init__(
        self,
        embedding_model: nn.Module,
        distance_metric: str | Similarity = "euclidean",
        *,
        transductive: bool = False,
    ) -> None:
        super().__init__()
        self.embedding_model = embedding_model
        self.similarity = similarity(distance_metric)
        self.transductive = transductive

    @property
    def network(self) -> nn.Module:
        """The embedding, by the name that gradient-based learners have for it."""
        return self.embedding_model

    def embed_support(self, support: Support) -> tuple[Tensor, Moments]:
        """Support embeddings `(K, D)` and the moments that normalise the queries."""
        embedding, moments = embed_support(self.embedding_model, support.x, support.reference)
        return flat(embedding), moments

    def embed_query(self, state: Tree, query: Tree) -> Tensor:
        """Query embeddings `(Q, D)` under an adapted state."""
        return flat(embed_query(self.embedding_model, query, None if self.transductive else state["moments"]))
