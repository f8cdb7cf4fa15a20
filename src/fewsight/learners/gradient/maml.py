"""MAML: meta-learn parameters from which a few gradient steps on the support suffice.

Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", 2017, algorithm 1:
    theta_i' = theta - alpha grad_theta L_i(theta)        (inner steps, on the support)
    theta <- theta - beta grad_theta sum_i L_i(theta_i')  (outer step, on the queries)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.utils.checkpoint import checkpoint

from fewsight.errors import LearnerError, suggest
from fewsight.inner import InnerOptimizer, sgd
from fewsight.inner.optimizer import Parameters
from fewsight.learner import AdaptationTrace, Learner, example_losses, mask_absent
from fewsight.learners.gradient.heads import FixedHead, SharedHead
from fewsight.networks.norm import Moments, TaskNorm, embed_query, embed_support
from fewsight.task import Support
from fewsight.tree import Tree


class MAML(Learner):
    """Gradient descent on the support, from meta-learned initial parameters.

    Args:
        network: any module from inputs `(B, ...)` to features `(B, D)`.
        head: "shared" (any number of ways, no label order; the default), or a number of outputs: the classic fixed
            head, whose predictions depend on label order; also for regression. None: the network's output is the score.
        features: D; not needed when `network.out_features` says it or `head` is None.
        inner_steps: gradient steps on the support.
        inner_lr: alpha of plain gradient descent; or give `inner_optimizer`.
        adapt: which parameters adapt: patterns over the names in `named_parameters()` ("head.*", "network.layers.0.*").
        first_order: meta-train with the inner gradients taken as constants (FOMAML). Only training is approximate:
            explanations and gradients of a model remain those of the true function.
        checkpoint_steps: recompute each inner step in the backward pass: memory of one step instead of all.
        transductive: normalise queries by the batch of queries, as the paper did.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        head: str | int | None = "shared",
        features: int | None = None,
        inner_steps: int = 5,
        inner_lr: float = 0.4,
        inner_optimizer: InnerOptimizer | None = None,
        adapt: Sequence[str] = ("*",),
        first_order: bool = False,
        checkpoint_steps: bool = False,
        transductive: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.head = None if head is None else _head(head, features or getattr(network, "out_features", None))
        self.inner_steps = inner_steps
        self.optimizer = inner_optimizer or sgd(inner_lr)
        self.first_order = first_order
        self.checkpoint_steps = checkpoint_steps
        self.transductive = transductive
        self.kinds = frozenset({"classification"}) if head == "shared" else Learner.kinds
        self.label_order_matters = not isinstance(self.head, SharedHead)
        self._needs_moments = not transductive and any(isinstance(module, TaskNorm) for module in network.modules())
        names = [name for name, _ in self.named_parameters()]
        self.adapted = frozenset(name for name in names if any(fnmatchcase(name, pattern) for pattern in adapt))
        for pattern in adapt:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise LearnerError(f"no parameter matches {pattern!r}{suggest(pattern, names)}")

    @classmethod
    def build(cls, network: nn.Module, outputs: int | None = None, **settings: Any) -> MAML:
        return cls(network, **({"head": outputs} if outputs is not None else {}) | settings)

    def solve(self, support: Support) -> Tree:
        *_, theta = self.steps(support)
        return self._state(theta, support)

    def score(self, state: Tree, query: Tree) -> Tensor:
        moments = None if self.transductive else state["moments"]
        return self._finish(state["theta"], embed_query(self._features(state["theta"]), query, moments))

    def meta_forward(self, support: Support, query: Tree) -> Tensor:
        if not self.first_order:
            return self(support, query)
        *_, theta = self.steps(support, first_order=True)
        return mask_absent(self.score(self._state(theta, support), query), support)

    def trace(self, support: Support) -> AdaptationTrace:
        return AdaptationTrace(self, support, [self._state(theta, support) for theta in self.steps(support)])

    def start(self, support: Support) -> Parameters:
        """theta_0 by name: the network's parameters that adapt, and the head's with one row for each class."""
        theta: Parameters = {f"network.{name}": value for name, value in self.network.named_parameters()}
        theta = self._moving(theta)
        if self.head is not None:
            theta |= {f"head.{name}": value for name, value in self.head.start(support.ways).items()}
        return theta

    def steps(self, support: Support, first_order: bool = False) -> Iterator[Parameters]:
        """theta_0, theta_1, ..., theta_T."""
        theta = self.start(support)
        state = self.optimizer.init(self._moving(theta))
        yield theta

        def step(theta: Parameters, state: Any) -> tuple[Parameters, Any]:
            gradient = self._gradient(theta, support, first_order)
            moved, state = self.optimizer.update(gradient, state, self._moving(theta))
            return theta | moved, state

        for _ in range(self.inner_steps):
            if self.checkpoint_steps and torch.is_grad_enabled():
                theta, state = checkpoint(step, theta, state, use_reentrant=False)
            else:
                theta, state = step(theta, state)
            yield theta

    def inner_loss(self, theta: Parameters, support: Support) -> Tensor:
        """L_i(theta): mean loss of the support examples by their shares, a scalar."""
        features, _ = embed_support(self._features(theta), support.x, support.reference)
        scores = mask_absent(self._finish(theta, features), support)
        return (example_losses(scores, support.y) * support.share).sum()

    def _moving(self, theta: Parameters) -> Parameters:
        return {name: value for name, value in theta.items() if name in self.adapted}

    def _gradient(self, theta: Parameters, support: Support, first_order: bool) -> Parameters:
        def loss(moving: Parameters) -> Tensor:
            return self.inner_loss(theta | moving, support)

        moving = self._moving(theta)
        if first_order:
            with torch.no_grad():
                return grad(loss)(moving)
        if not (self.checkpoint_steps and torch.is_grad_enabled()):
            return grad(loss)(moving)
        # Under checkpointing torch.func.grad has no saved-tensor hooks; plain autograd has.
        moving = {name: v if v.requires_grad else v.detach().requires_grad_() for name, v in moving.items()}
        found = torch.autograd.grad(loss(moving), list(moving.values()), create_graph=True, materialize_grads=True)
        return dict(zip(moving, found, strict=True))

    def _features(self, theta: Parameters) -> Callable[[Tree], Tensor]:
        body = {name.removeprefix("network."): v for name, v in theta.items() if name.startswith("network.")}
        return lambda x: functional_call(self.network, body, (x,))

    def _finish(self, theta: Parameters, features: Tensor) -> Tensor:
        if self.head is None:
            return features
        return F.linear(features.flatten(1), theta["head.weight"], theta["head.bias"])

    def _state(self, theta: Parameters, support: Support) -> Tree:
        """The adapted parameters and the support moments under them, which normalise the queries."""
        moments: Moments = []
        if self._needs_moments:
            _, moments = embed_support(self._features(theta), support.x, support.reference)
        return {"theta": theta, "moments": moments}


def _head(head: str | int, features: int | None) -> SharedHead | FixedHead:
    if features is None:
        raise LearnerError("say how many features the network gives: MAML(network, features=D)")
    if isinstance(head, int):
        return FixedHead(features, head)
    if head != "shared":
        raise LearnerError(f"unknown head {head!r}: give 'shared', a number of outputs, or None")
    return SharedHead(features)
