"""What is a task, to a learner? What adapting to it does: one vector for each task, near for tasks that are alike.

Two parts. *Where*: the way that the adapted parameters go (MAML...), or the moments of the embedded support (metric
learners), or the answers to fixed probes (any other). *Fit*: the logarithm of the support's loss before adapting, and
the share of it that adapting leaves; a task beyond a learner often shows in that alone. No part depends on the order of
examples or classes, nor, in its length, on their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from fewsight.experience.gradients import flat, sketch
from fewsight.learner import Learner, example_losses, mask_absent
from fewsight.task import Support
from fewsight.tree import Tree

FIT = 2
"""Numbers of the second part; they come last."""
FLOOR = 1e-3
"""Added to the loss before: what is below is nothing to learn."""


@runtime_checkable
class AdaptsParameters(Protocol):
    """A learner that adapts by moving parameters."""

    def steps(self, *batches: Support) -> Iterator[dict[str, Tensor]]:
        """The adaptable parameters by name: un-adapted, after each step, adapted."""


@runtime_checkable
class EmbedsSupport(Protocol):
    """A learner that embeds each support example."""

    def embed_support(self, support: Support) -> tuple[Tensor, Any]:
        """Support embeddings `(K, D)`, and what else the embedding needs."""


def method(learner: Learner) -> str:
    """How `embed` describes a task of this learner, in words."""
    if isinstance(learner, AdaptsParameters):
        return "the way adaptation moves the parameters"
    if isinstance(learner, EmbedsSupport):
        return "the moments of the embedded support"
    return "the answers to fixed probes"


@torch.no_grad()
def embed(learner: Learner, support: Support, probe: Tree) -> Tensor:
    """The task of `support` as a vector `(E,)` float64; the learner in evaluation mode.

    Args:
        probe: inputs `(Q, ...)`, the same for all tasks, for learners that offer neither parameters nor embeddings.
    """
    if isinstance(learner, AdaptsParameters):
        where = _displacement(learner, support)
    elif isinstance(learner, EmbedsSupport):
        where = _moments(learner, support)
    else:
        where = _answers(learner, support, probe)
    return torch.cat([sketch(where.double().cpu()), _fit(learner, support)])


def _displacement(learner: AdaptsParameters, support: Support) -> Tensor:
    """theta_T - theta_0. Rows that belong to classes are summed up as their mean and their root mean square."""
    start, *_, end = learner.steps(support)
    own = dict(learner.named_parameters()) if isinstance(learner, Learner) else {}
    moved = []
    for name, before in start.items():
        way = end[name] - before
        by_class = support.ways is not None and (name not in own or own[name].shape != before.shape)
        moved += [way.mean(0), way.square().mean(0).sqrt()] if by_class else [way]
    return flat(moved)


def _moments(learner: EmbedsSupport, support: Support) -> Tensor:
    """Mean and spread of the class means; in regression the mean, and the mean of embedding times value."""
    embedding, _ = learner.embed_support(support)
    if support.ways is None:
        return flat([support.share @ embedding, (support.share[:, None] * embedding).mT @ support.y])
    means = (support.class_share.mT @ embedding)[support.present]
    return flat([means.mean(0), means.std(0, correction=0)])


def _answers(learner: Learner, support: Support, probe: Tree) -> Tensor:
    """Values at the probes; in classification the largest probability and the entropy, which know no order."""
    scores = learner(support, probe)
    if support.ways is None:
        return flat([scores])
    log_p = scores.log_softmax(-1)
    return flat([log_p.amax(-1).exp(), -(log_p.exp() * log_p).sum(-1)])


def _fit(learner: Learner, support: Support) -> Tensor:
    silent = support.reweighted(torch.zeros_like(support.weight), drop=True)
    losses = []
    for given in (silent, support):
        scores = mask_absent(learner.score(learner.solve(given), support.x), support)
        losses.append((example_losses(scores, support.y) * support.share).sum())
    before, after = torch.stack(losses).double().cpu()
    return torch.stack([(before + FLOOR).log(), after / (before + FLOOR)])
