"""How do I write an inner loop by hand, around any module? With one of two forms that people already know.

Those who come from `higher` open a context around a module and a `torch.optim` optimizer, and call `step(loss)`; those
who come from learn2learn call `clone()` and `adapt(loss)`. Both leave the module untouched and differentiate through
the steps to its parameters. A learner does the same as one pure function and is many times faster where tasks can be
batched; these forms are for loops of one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewsight.errors import LearnerError
from fewsight.inner.from_torch import Override, from_torch
from fewsight.inner.learned import LearnedOptimizer
from fewsight.inner.optimizer import InnerOptimizer, Parameters
from fewsight.inner.optimizers import sgd
from fewsight.inner.problems import cut
from fewsight.inner.second import gradients_of, twice_differentiable
from fewsight.networks.norm import refuse_running_statistics


class Fast(nn.Module):
    """A module that computes with parameters of its own, which began as those of `module`.

    Attention inside takes torch's matrix-product kernel, since the fused ones have no second derivative.

    Args:
        module: any module; it is never changed. Parameters with `requires_grad=False` stay as they are.
        optimizer: takes the steps.
        first_order: take inner gradients as constants.
        history: False: remember no step, to adapt without learning from it; the start is a copy.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: InnerOptimizer | LearnedOptimizer,
        *,
        first_order: bool = False,
        history: bool = True,
    ) -> None:
        super().__init__()
        refuse_running_statistics(module)
        self._module = [module]  # in a list, so that its parameters do not also become this module's
        self.optimizer, self.first_order, self.history = optimizer, first_order, history
        self.fast: Parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
        if not self.fast:
            raise LearnerError("every parameter of this module is frozen (requires_grad=False): nothing can adapt")
        if not history:
            self.fast = _leaves(self.fast)
        self.state = optimizer.init(self.fast)

    def forward(self, *inputs: Any) -> Any:
        with twice_differentiable():
            return functional_call(self._module[0], self.fast, inputs)

    def named_parameters(self, *arguments: Any, **options: Any) -> Iterator[tuple[str, nn.Parameter]]:
        """Those it computes with now: fast ones, which are not leaves, and the module's own where they are frozen."""
        for name, value in self._module[0].named_parameters(*arguments, **options):
            yield name, cast(nn.Parameter, self.fast.get(name, value))

    def adapt(self, loss: Tensor, grad_callback: Callable[[list[Tensor]], Sequence[Tensor]] | None = None) -> None:
        """One step down `loss`, a scalar computed with this module.

        Args:
            grad_callback: from the gradients, in the order of the parameters that adapt, to those to step by.

        Raises:
            LearnerError: the loss does not depend on the parameters.
        """
        gradients = gradients_of(loss, self.fast, create_graph=self.history and not self.first_order)
        if grad_callback:
            gradients = dict(zip(gradients, grad_callback(list(gradients.values())), strict=True))
        self.fast, self.state = self.optimizer.update(gradients, self.state, self.fast)
        if not self.history:
            self.fast, self.state = _leaves(self.fast), cut(self.state)

    step = adapt
    """The same, by the name it has in `higher`."""

    def clone(self) -> Fast:
        """A second one at the same place, which can adapt by itself; gradients flow back through both."""
        twin = Fast(self._module[0], self.optimizer, first_order=self.first_order, history=self.history)
        twin.fast, twin.state = dict(self.fast), self.state
        return twin


class FastMAML(nn.Module):
    """learn2learn's MAML: `clone()` gives a module to `adapt(loss)`, whose query loss one differentiates.

    Args:
        model: whose parameters are meta-learned.
        lr: of the inner gradient descent.
        first_order: FOMAML.
    """

    def __init__(self, model: nn.Module, lr: float, *, first_order: bool = False) -> None:
        super().__init__()
        self.module, self.lr, self.first_order = model, lr, first_order

    def forward(self, *inputs: Any) -> Any:
        return self.module(*inputs)

    def clone(self) -> Fast:
        return Fast(self.module, sgd(self.lr), first_order=self.first_order)


@contextmanager
def inner_loop(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    copy_initial_weights: bool = False,
    override: Override | None = None,
    track_higher_grads: bool = True,
) -> Iterator[tuple[Fast, Fast]]:
    """`higher.innerloop_ctx`: (fast module, what has `step(loss)`).

    Args:
        optimizer: of some or all parameters of `module`, in any groups; what it does not hold does not move. Its steps
            are those of a fresh one.
        copy_initial_weights: start from copies, so that no gradient reaches the parameters of `module`; there this is
            the default, here gradients reach them, as meta-learning needs.
        override: hyper-parameters in the place of the optimizer's, such as learning rates that are learned.
        track_higher_grads: False: keep no history of the steps, to adapt without learning from it.

    Raises:
        LearnerError: as `from_torch`.
    """
    fast = Fast(module, from_torch(optimizer, module, override), history=track_higher_grads)
    if copy_initial_weights:
        fast.fast = _leaves(fast.fast)
    yield fast, fast


def _leaves(parameters: Parameters) -> Parameters:
    """Copies without history, that gradients can be taken of."""
    return {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
