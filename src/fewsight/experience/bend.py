"""How does the loss of a training task bend in omega? A few random rows of a root of its curvature.

The curvature is the Gauss-Newton matrix G_i = J' H J (see `explain.curvature`), J the derivative of the query scores in
omega and H the second derivative of the loss in the scores. With a root R of H and n scores, the rows of
sqrt(n / count) Z' R J, Z random and orthonormal, are `count` gradients A with A'A = G_i on average, and exactly where
count = n. Schraudolph, "Fast curvature matrix-vector products", 2002, for G; Hutchinson, 1990, for the average.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap

from fewsight.experience.gradients import Weights, at, flat, leaves
from fewsight.learner import Learner, example_losses
from fewsight.task import Task


def bend(learner: Learner, omega: Weights, task: Task, count: int, seed: int = 0) -> Tensor:
    """A `(count, P)`, whose last rows are 0 where the task has fewer scores than `count`."""
    with torch.enable_grad():
        inputs = leaves(learner, omega)
        scores = at(learner, inputs, lambda learner: learner(task.support, task.query))
        rows = scores.new_zeros(count, sum(value.numel() for value in inputs.values()))
        for row, way in zip(rows, _ways(scores.detach(), task, count, seed), strict=False):
            found = torch.autograd.grad(scores, list(inputs.values()), way, retain_graph=True, materialize_grads=True)
            row.copy_(flat(found).detach())
    return rows.detach()


def _ways(scores: Tensor, task: Task, count: int, seed: int) -> Tensor:
    """sqrt(n / count) R Z, `(count or n, Q, d)`; H has a block for each query."""
    share = (task.query_weight / task.query_weight.sum()).to(scores)
    blocks = vmap(jacrev(grad(_loss)))(scores, task.target)
    values, vectors = torch.linalg.eigh(blocks * share[:, None, None])
    root = vectors * values.clamp(min=0).sqrt()[:, None] @ vectors.mT
    size = scores.numel()
    count = min(count, size)
    drawn = torch.from_numpy(np.random.default_rng(seed).standard_normal((size, count)))
    z = torch.linalg.qr(drawn)[0].T.reshape(count, *scores.shape).to(scores)
    return (size / count) ** 0.5 * torch.einsum("qab,rqb->rqa", root, z)


def _loss(score: Tensor, target: Tensor) -> Tensor:
    return example_losses(score[None], target[None])[0]
