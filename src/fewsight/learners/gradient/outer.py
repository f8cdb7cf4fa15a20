"""How is the outer gradient taken? Through the unrolled inner steps, or by one of the ways that cost less.

Each function takes a MAML learner and a task and returns what to minimise and the query scores. Whatever it
approximates, the model a learner adapts is the same function of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fewsight.inner import Parameters
from fewsight.learner import Learner, mask_absent, task_loss
from fewsight.learners.gradient.implicit import through_the_solution
from fewsight.task import Task

if TYPE_CHECKING:
    from fewsight.learners.gradient.maml import MAML


def first_order(learner: MAML, task: Task) -> tuple[Tensor, Tensor]:
    """Inner gradients are taken as constants (FOMAML; Finn et al. 2017, section 5.2)."""
    return _judged(learner, learner.end(task.support, first_order=True), task)


def multi_step(learner: MAML, task: Task) -> tuple[Tensor, Tensor]:
    """Query losses after every inner step, weighted equally at first and ever more by the last (MAML++).

    Antoniou et al., "How to Train Your MAML", 2019, section 4, "multi-step loss optimization"; here the weights change
    in tenths of the training.
    """
    _, *thetas = learner.steps(task.support)
    judged = [_judged(learner, theta, task) for theta in thetas]
    others = (1 - int(10 * learner.progress) / 10) / len(thetas)
    weights = [others] * (len(thetas) - 1) + [1 - others * (len(thetas) - 1)]
    loss = torch.stack([weight * loss for weight, (loss, _) in zip(weights, judged, strict=True)]).sum()
    return loss, judged[-1][1]


def implicit(learner: MAML, task: Task) -> tuple[Tensor, Tensor]:
    """The gradient of an inner problem solved to its end; memory does not grow with inner steps (iMAML)."""
    return through_the_solution(learner, task.support, lambda theta: _judged(learner, theta, task))


def reptile(learner: MAML, task: Task) -> tuple[Tensor, Tensor]:
    """The way from the start to where the inner loop ends is the gradient (Reptile).

    Nichol, Achiam, Schulman, "On First-Order Meta-Learning Algorithms", 2018, algorithm 1. The inner loop trains on all
    that is labelled, support and queries in turn: its gain over joint training comes from minibatches that differ. What
    is minimised is |theta_0 - theta_T|^2 / 2 with theta_T constant, whose gradient is theta_0 - theta_T; the value is
    the query loss of the adapted model, as for the other learners.
    """
    support, weight = task.support, task.query_weight
    queries = replace(support, x=task.query, y=task.target, weight=weight, reference=weight)
    with torch.no_grad():
        theta = learner.end(support, queries)
        loss, scores = Learner.meta_loss(learner, task)
    start = next(learner.steps(task.support))
    apart = [(start[name] - theta[name].detach()).square().sum() for name in learner.moving(theta)]
    distance = 0.5 * torch.stack(apart).sum()
    return loss.detach() + distance - distance.detach(), scores


def _judged(learner: MAML, theta: Parameters, task: Task) -> tuple[Tensor, Tensor]:
    scores = mask_absent(learner.score(learner.state(theta, task.support), task.query), task.support)
    return task_loss(scores, task), scores


OUTER: dict[str, Callable[[MAML, Task], tuple[Tensor, Tensor]]] = {
    "unrolled": Learner.meta_loss,  # exact, second derivatives included
    "first_order": first_order,
    "multi_step": multi_step,
    "implicit": implicit,
    "reptile": reptile,
}
