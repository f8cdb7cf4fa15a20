"""MAML: meta-learn parameters from which a few gradient steps on the support suffice.

Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", 2017, algorithm 1:
    theta_i' = theta - alpha grad_theta L_i(theta)        (inner steps, on the support)
    theta <- theta - beta grad_theta sum_i L_i(theta_i')  (outer step, on the queries)

The whole gradient-based family is this class. Which parameters adapt, from which head, by which inner optimizer at
which rates, and how the outer gradient is taken are independent choices; `variants.py` names the published ones.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.utils.checkpoint import checkpoint

from fewsight.errors import LearnerError, suggest
from fewsight.inner import InnerOptimizer, Parameters, named
from fewsight.inner.learned import LearnedOptimizer
from fewsight.inner.rates import Rates
from fewsight.inner.second import attention_note, gradients_of, refuse_no_dependence, twice_differentiable
from fewsight.learner import AdaptationTrace, Learner, example_losses, mask_absent
from fewsight.learners.gradient.dual import kernel_form
from fewsight.learners.gradient.heads import ContextHead, PrototypeHead, make_head
from fewsight.learners.gradient.outer import OUTER
from fewsight.limits import Count, Natural, NonNegative
from fewsight.networks.features import feature_size
from fewsight.networks.norm import Moments, TaskNorm, embed_query, embed_support, refuse_running_statistics
from fewsight.task import Support, Task
from fewsight.tree import Tree


class MAML(Learner):
    """Gradient descent on the support, from meta-learned initial parameters.

    Args:
        network: any module from inputs `(B, ...)` to features `(B, D)`.
        head: "shared" (any number of ways, no label order; the default), "prototype", "context" (see `heads`), or a
            number of outputs: the classic fixed head, whose predictions depend on label order; also for regression.
            None: the network's output is the score.
        features: D; not needed when `network.out_features` says it or `head` is None.
        inner_steps: gradient steps on the support.
        inner_lr: alpha of the inner optimizer.
        inner_optimizer: a name in `fewsight.inner.names`, or an `InnerOptimizer`, which has its own rate.
        rates: meta-learned step multipliers: None, "parameter" (Meta-SGD) or "layer" (MAML++); see `Rates`.
        adapt: which parameters adapt: patterns over the names in `named_parameters()` ("head.*", "network.layers.0.*").
        outer: how the outer gradient is taken: "unrolled", "multi_step", "first_order", "implicit" or "reptile"; see
            `outer`. Only training differs: explanations and gradients of a model remain those of the true function.
        first_order_until: share of the training that takes first-order gradients before `outer` begins (MAML++).
        proximal: lambda of the penalty lambda/2 |theta - theta_0|^2 in the inner loss; "implicit" needs it.
        checkpoint_steps: recompute each inner step in the backward pass: memory of one step instead of all.
        transductive: normalise queries by the batch of queries, as the paper did.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        head: str | Count | None = "shared",
        features: Count | None = None,
        inner_steps: Natural = 5,
        inner_lr: NonNegative = 0.4,
        inner_optimizer: str | InnerOptimizer | LearnedOptimizer = "sgd",
        rates: str | None = None,
        adapt: Sequence[str] = ("*",),
        outer: str = "unrolled",
        first_order_until: NonNegative = 0.0,
        proximal: NonNegative = 0.0,
        checkpoint_steps: bool = False,
        transductive: bool = False,
    ) -> None:
        super().__init__()
        refuse_running_statistics(network)
        self.network, self.remarks = network, attention_note(network)
        self.head = None if head is None else make_head(head, feature_size(network, features, "MAML"))
        self.inner_steps = inner_steps
        self.optimizer = named(inner_optimizer, inner_lr) if isinstance(inner_optimizer, str) else inner_optimizer
        if outer not in OUTER:
            raise LearnerError(f"unknown outer gradient {outer!r}{suggest(outer, OUTER)}")
        if outer == "implicit" and proximal <= 0:
            raise LearnerError("the implicit gradient needs an inner loss with a penalty: give proximal > 0")
        self.outer, self.first_order_until, self.proximal = outer, first_order_until, proximal
        self.checkpoint_steps = checkpoint_steps
        self.transductive = transductive
        regression_only = isinstance(self.head, ContextHead) and self.head.outputs is not None
        free_ways = self.head is not None and not isinstance(head, int) and not regression_only
        both = Learner.kinds
        self.kinds = frozenset({"classification"} if free_ways else {"regression"} if regression_only else both)
        self.label_order_matters = not free_ways
        self._needs_moments = not transductive and any(isinstance(module, TaskNorm) for module in network.modules())
        shapes = {f"network.{name}": value.shape for name, value in network.named_parameters()}
        if self.head is not None:
            shapes |= {f"head.{name}": shape for name, shape in self.head.shapes.items()}
        self.adapted = _matching(shapes, adapt)
        for name, parameter in network.named_parameters():
            if not parameter.requires_grad and f"network.{name}" in self.adapted:
                raise LearnerError(
                    f"network.{name} is frozen (requires_grad=False) but asked to adapt: "
                    "leave it out of adapt=, for example adapt=['head.*']"
                )
        head_adapts = any(name.startswith("head.") for name in self.adapted)
        if free_ways and not isinstance(self.head, PrototypeHead) and not head_adapts:
            raise LearnerError(
                f"adapt={list(adapt)} leaves out the head, in which all classes start alike, so none could ever be "
                "told from another: add 'head.*', or take head='prototype' (as BOIL does) or a number of ways"
            )
        self.body_adapts = any(name.startswith("network.") for name in self.adapted)
        moving = {name: shape for name, shape in shapes.items() if name in self.adapted}
        self.rates = None if rates is None else Rates(rates, moving, inner_steps)

    @classmethod
    def build(cls, network: nn.Module, outputs: int | None = None, **settings: Any) -> MAML:
        if outputs is not None:
            head = settings.get("head", "shared")
            regression = {"shared": outputs, "prototype": outputs, "context": f"context:{outputs}"}
            settings["head"] = regression.get(head, head)
        return cls(network, **settings)

    def train(self, mode: bool = True) -> MAML:
        super().train(mode)
        refuse_running_statistics(self.network)
        return self

    def check(self, support: Support) -> None:
        super().check(support)
        if self.head is not None:
            self.head.check(support)

    @property
    def stage(self) -> Hashable:
        return self.progress < self.first_order_until, int(10 * self.progress) if self.outer == "multi_step" else None

    def meta_loss(self, task: Task) -> tuple[Tensor, Tensor]:
        early = self.progress < self.first_order_until
        return OUTER["first_order" if early else self.outer](self, task)

    def solve(self, support: Support) -> Tree:
        return self.state(self.end(support), support)

    def score(self, state: Tree, query: Tree) -> Tensor:
        moments = None if self.transductive else state["moments"]
        return self._finish(state["theta"], embed_query(self._features(state["theta"]), query, moments))

    def trace(self, support: Support) -> AdaptationTrace:
        return AdaptationTrace(self, support, [self.state(theta, support) for theta in self.steps(support)])

    def start(self, support: Support, features: Callable[[], Tensor]) -> Parameters:
        """theta_0 by name: the network's parameters that adapt, and the head's with one row for each class."""
        theta: Parameters = {f"network.{name}": value for name, value in self.network.named_parameters()}
        theta = self.moving(theta)
        if self.head is not None:
            theta |= {f"head.{name}": value for name, value in self.head.start(support, features).items()}
        return theta

    def steps(self, *batches: Support, first_order: bool = False) -> Iterator[Parameters]:
        """theta_0, theta_1, ..., theta_T; several batches take turns, and the first is where heads start from."""

        def features(support: Support) -> Tensor:
            return embed_support(self.network, support.x, support.reference)[0].flatten(1)

        # A body that stays as it is embeds the support once (ANIL), not in every step.
        known = [None if self.body_adapts else features(support) for support in batches]
        theta = origin = self.start(batches[0], lambda: features(batches[0]) if known[0] is None else known[0])
        state = self.optimizer.init(self.moving(theta))
        yield theta

        def step(theta: Parameters, state: Any, index: int) -> tuple[Parameters, Any]:
            turn = index % len(batches)
            return self.advance(
                theta, self._gradient(theta, origin, batches[turn], known[turn], first_order), state, index
            )

        for index in range(self.inner_steps):
            if self.checkpoint_steps and torch.is_grad_enabled() and not first_order:
                theta, state = checkpoint(step, theta, state, index, use_reentrant=False)
            else:
                theta, state = step(theta, state, index)
            yield theta

    def end(self, *batches: Support, first_order: bool = False) -> Parameters:
        """theta_T alone: unlike a list of all steps, it holds no copy of the parameters for each."""
        for theta in self.steps(*batches, first_order=first_order):
            last = theta
        return last

    def kernel_form(self, support: Support, query: Tree) -> dict[str, Tensor]:
        """Scores of a linear head that adapts alone, as start + sum_i (<support_i, query> coefficients_i + offsets_i).

        Returns:
            "start" `(Q, N)`, the un-adapted scores; "coefficients", "offsets" `(K, N)`; features "query" `(Q, D)` and
            "support" `(K, D)`. Exact for inner optimizers that are linear in the gradients; see `dual`.

        Raises:
            LearnerError: the body adapts too, or the head is not linear.
        """
        return kernel_form(self, support, query)

    def advance(self, theta: Parameters, gradients: Parameters, state: Any, index: int) -> tuple[Parameters, Any]:
        """theta after inner step number `index` (from 0) on these gradients, and the optimizer's state."""
        before = self.moving(theta)
        after, state = self.optimizer.update(gradients, state, before)
        return theta | (self.rates(before, after, index) if self.rates else after), state

    def inner_loss(
        self, theta: Parameters, origin: Parameters, support: Support, known: Tensor | None = None
    ) -> Tensor:
        """L_i(theta): mean loss of the support examples by their shares, and the penalty if there is one; a scalar."""
        features = known
        if features is None:
            with twice_differentiable():
                features, _ = embed_support(self._features(theta), support.x, support.reference)
        scores = mask_absent(self._finish(theta, features), support)
        loss = (example_losses(scores, support.y) * support.share).sum()
        refuse_no_dependence(loss, self.moving(theta))
        if not self.proximal:
            return loss
        away = [(theta[name] - origin[name]).square().sum() for name in theta if name in self.adapted]
        return loss + 0.5 * self.proximal * torch.stack(away).sum()

    def moving(self, theta: Parameters) -> Parameters:
        """Those of `theta` that adapt."""
        return {name: value for name, value in theta.items() if name in self.adapted}

    def state(self, theta: Parameters, support: Support) -> Tree:
        """The adapted parameters and the support moments under them, which normalise the queries."""
        moments: Moments = []
        if self._needs_moments:
            _, moments = embed_support(self._features(theta), support.x, support.reference)
        return {"theta": theta, "moments": moments}

    def _gradient(
        self, theta: Parameters, origin: Parameters, support: Support, known: Tensor | None, first_order: bool
    ) -> Parameters:
        def loss(moving: Parameters) -> Tensor:
            return self.inner_loss(theta | moving, origin, support, known)

        moving = self.moving(theta)
        if first_order:
            with torch.no_grad():
                return grad(loss)(moving)
        if not (self.checkpoint_steps and torch.is_grad_enabled()):
            return grad(loss)(moving)
        # Under checkpointing torch.func.grad has no saved-tensor hooks; plain autograd has.
        moving = {name: v if v.requires_grad else v.detach().requires_grad_() for name, v in moving.items()}
        return gradients_of(loss(moving), moving, create_graph=True)

    def _features(self, theta: Parameters) -> Callable[[Tree], Tensor]:
        body = {name.removeprefix("network."): v for name, v in theta.items() if name.startswith("network.")}
        return lambda x: functional_call(self.network, body, (x,))

    def _finish(self, theta: Parameters, features: Tensor) -> Tensor:
        if self.head is None:
            return features
        return self.head.score(self.head_part(theta), features.flatten(1))

    @staticmethod
    def head_part(theta: Parameters) -> Parameters:
        """The head's tensors among `theta`, by the names the head gave them."""
        return {name.removeprefix("head."): v for name, v in theta.items() if name.startswith("head.")}


def _matching(names: dict[str, torch.Size], patterns: Sequence[str]) -> frozenset[str]:
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise LearnerError(f"no parameter matches {pattern!r}{suggest(pattern, names)}")
    return frozenset(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))
