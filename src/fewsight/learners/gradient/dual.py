"""What does a head that adapts alone become? A sum over support examples, at any number of inner steps.

With the body frozen, the gradient of a linear head is a sum over the support of (residual) x (feature), so

    z(x) = z_0(x) + sum_i (<phi_i, phi(x)> c_i + o_i),    c_i = -sum_t a_t s_i (p_i^t - y_i) for gradient descent,

a_t the step sizes, s_i the shares and p_i^t what the head answered before step t; o_i is the same sum for the bias. The
inner optimizer runs here on c and o instead of the head: its steps commute with the sum when they are linear in the
gradients (gradient descent, momentum, Nesterov; one rate for each tensor and step), and not otherwise (Adam, clipping).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fewsight.errors import LearnerError
from fewsight.inner import Parameters
from fewsight.learner import example_losses, mask_absent
from fewsight.learners.gradient.heads import Head
from fewsight.networks.norm import embed_query, embed_support
from fewsight.task import Support
from fewsight.tree import Tree

if TYPE_CHECKING:
    from fewsight.learners.gradient.maml import MAML


def kernel_form(learner: MAML, support: Support, query: Tree) -> dict[str, Tensor]:
    """The kernel form of an adapted head; see `MAML.kernel_form`."""
    head, rates = learner.head, learner.rates
    if head is None or type(head).score is not Head.score or learner.body_adapts:
        raise LearnerError("a sum over support examples needs a linear head that adapts alone (ANIL)")
    if rates is not None and rates.kind == "parameter":
        raise LearnerError("a sum over support examples needs one step size for all features, not one for each")
    features, moments = embed_support(learner.network, support.x, support.reference)
    features = features.flatten(1)
    asked = embed_query(learner.network, query, None if learner.transductive else moments).flatten(1)
    theta = learner.start(support, lambda: features)
    before, kernel = head.score(learner.head_part(theta), features), features @ features.mT
    dual = learner.moving({"head.weight": torch.zeros_like(before), "head.bias": torch.zeros_like(before)})
    nothing, state = torch.zeros_like(before), learner.optimizer.init(dual)

    def loss(scores: Tensor) -> Tensor:
        return (example_losses(mask_absent(scores, support), support.y) * support.share).sum()

    for step in range(learner.inner_steps):
        scores = before + kernel @ dual.get("head.weight", nothing) + dual.get("head.bias", nothing).sum(0)
        residual = torch.func.grad(loss)(scores)
        gradient: Parameters = {name: residual + learner.proximal * value for name, value in dual.items()}
        after, state = learner.optimizer.update(gradient, state, dual)
        dual = rates(dual, after, step) if rates is not None else after
    return {
        "start": head.score(learner.head_part(theta), asked),
        "coefficients": dual.get("head.weight", nothing),
        "offsets": dual.get("head.bias", nothing),
        "query": asked,
        "support": features,
    }
