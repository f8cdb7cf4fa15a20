"""Ridge regression on learned features: the best linear classifier of the support, in closed form.

Bertinetto et al., "Meta-learning with differentiable closed-form solvers", 2019, equations 4-6 (R2-D2); with an
ordinary deep backbone it is also the ridge variant of MetaOptNet (Lee et al. 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.limits import Positive
from fewsight.task import Support
from fewsight.tree import Tree


class Ridge(EmbeddingLearner):
    """W = argmin sum_i v_i |W' x_i - y_i|^2 + lambda |W|^2 on features and a constant 1; scores a W'x for classes.

    Solved among the K examples by X'(V X X' + lambda I)^-1 V Y, which needs no root of a weight and no inverse of one:
    weight 0 is exactly absence. lambda and the scale a are meta-learned.

    Args:
        regularisation, scale: where lambda and a begin. Features that are already good want a small lambda, which tells
            examples apart by little, and a large scale: with the default ones, training first undoes them.
    """

    def __init__(
        self,
        embedding_model: nn.Module,
        *,
        regularisation: Positive = 1.0,
        scale: Positive = 4.0,
        transductive: bool = False,
    ) -> None:
        super().__init__(embedding_model, "dot", transductive=transductive)
        self.log_lambda = nn.Parameter(torch.tensor(regularisation).log())
        self.log_scale = nn.Parameter(torch.tensor(scale).log())

    def solve(self, support: Support) -> Tree:
        embedding, moments = self.embed_support(support)
        x = _with_constant(embedding)
        coefficients = torch.linalg.solve(self._system(support, x), support.weight[:, None] * _answers(support))
        return {"weight": self._scale(support) * (x.mT @ coefficients), "moments": moments}

    def score(self, state: Tree, query: Tree) -> Tensor:
        return _with_constant(self.embed_query(state, query)) @ state["weight"]

    def dual(self, support: Support, query: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """k `(Q, K)`, G `(K, K)` and Y `(K, N)` with scores = k G Y.

        k holds a <x, x_i> for each query; G = (V X X' + lambda I)^-1 V is symmetric; weight 0 empties a row.
        """
        embedding, moments = self.embed_support(support)
        x, asked = _with_constant(embedding), _with_constant(self.embed_query({"moments": moments}, query))
        inverse = torch.linalg.solve(self._system(support, x), torch.diag(support.weight))
        return self._scale(support) * (asked @ x.mT), inverse, _answers(support)

    def kernel_form(self, support: Support, query: Tree) -> dict[str, Tensor]:
        """Scores as start + sum_i (<support_i, query> coefficients_i + offsets_i); the constant 1 gives the offsets.

        Returns:
            "start" `(Q, N)` (zeros), "coefficients" and "offsets" `(K, N)`, "query" `(Q, D)`, "support" `(K, D)`.
        """
        _, inverse, answers = self.dual(support, query)
        embedding, moments = self.embed_support(support)
        asked = self.embed_query({"moments": moments}, query)
        coefficients = self._scale(support) * (inverse @ answers)
        return {
            "start": coefficients.new_zeros(len(asked), coefficients.shape[1]),
            "coefficients": coefficients / embedding.shape[-1],
            "offsets": coefficients,
            "query": asked,
            "support": embedding,
        }

    def _system(self, support: Support, x: Tensor) -> Tensor:
        eye = torch.eye(support.size, dtype=x.dtype, device=x.device)
        return support.weight[:, None] * (x @ x.mT) + self.log_lambda.exp() * eye

    def _scale(self, support: Support) -> Tensor | float:
        return 1.0 if support.ways is None else self.log_scale.exp()


def _answers(support: Support) -> Tensor:
    return support.y if support.ways is None else support.one_hot


def _with_constant(x: Tensor) -> Tensor:
    """Features of unit mean square and a last one that is 1, `(B, D + 1)`."""
    return torch.cat([x / x.shape[-1] ** 0.5, torch.ones_like(x[:, :1])], -1)
