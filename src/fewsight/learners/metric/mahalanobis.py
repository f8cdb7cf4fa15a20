"""Prototypes with a covariance: distance in the shape of each class, shrunk to the shape of the task.

Bateni et al., "Improved Few-Shot Visual Classification", 2020, equations 1 and 2 (Simple CNAPS).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.learners.prototypes import class_means
from fewsight.limits import Positive
from fewsight.task import Support, positive
from fewsight.tree import Tree


class MahalanobisProtoNet(EmbeddingLearner):
    """z_c = -(x - p_c)' Q_c^-1 (x - p_c) / 2, Q_c = l_c S_c + (1 - l_c) S + beta I with l_c = n_c / (n_c + 1).

    S_c and S are the covariances of the class and of the whole support, n_c the weight of the class, beta meta-learned.
    Features are divided by the root of D. Dropped examples leave both covariances and move their prototype.
    """

    kinds = frozenset({"classification"})

    def __init__(self, embedding_model: nn.Module, *, beta: Positive = 0.1, transductive: bool = False) -> None:
        super().__init__(embedding_model, transductive=transductive)
        self.log_beta = nn.Parameter(torch.tensor(beta).log())
        self.log_scale = nn.Parameter(torch.tensor(0.0))

    def solve(self, support: Support) -> Tree:
        embedding, moments = self.embed_support(support)
        x = embedding / embedding.shape[-1] ** 0.5
        means = class_means(support, x)
        share = support.weight / positive(support.reference.sum())
        task = _covariance(x, share @ x, share)
        classes = torch.stack(
            [_covariance(x, mean, part) for mean, part in zip(means, support.class_share.mT, strict=True)]
        )
        count = (support.weight @ support.one_hot)[:, None, None]
        trust = count / (count + 1)
        ridge = self.log_beta.exp() * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
        return {
            "prototypes": means,
            "precision": torch.linalg.inv(trust * classes + (1 - trust) * task + ridge),
            "moments": moments,
        }

    def score(self, state: Tree, query: Tree) -> Tensor:
        x = self.embed_query(state, query)
        away = (x / x.shape[-1] ** 0.5)[:, None, :] - state["prototypes"]
        return -0.5 * self.log_scale.exp() * torch.einsum("qnd,nde,qne->qn", away, state["precision"], away)


def _covariance(x: Tensor, mean: Tensor, share: Tensor) -> Tensor:
    away = x - mean
    return (share[:, None] * away).mT @ away
