"""How do I use a learned optimizer on my own model? As a `torch.optim.Optimizer` like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from fewsight.inner.learned import LearnedOptimizer


class AsTorchOptimizer(torch.optim.Optimizer):
    """Steps of `learned` on `parameters`, which it changes in place; `learned` itself stays as it is.

    Each group has an `lr` that multiplies the steps, 1 at first, so that torch's schedulers work. `state_dict()`
    holds what the rule remembers of each parameter, so that training can go on; the rule is not in it.

    Args:
        parameters: of the model to train; those without a gradient are skipped in a step.
        learned: the trained update rule.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learned: LearnedOptimizer) -> None:
        super().__init__(parameters, {"lr": 1.0})
        self.learned = learned

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step down the gradients in `.grad`; returns what `closure`, which computes them, returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in (p for p in group["params"] if p.grad is not None):
                value: dict[str, Tensor] = {"p": parameter.detach()}
                own = self.state[parameter]
                before = own["learned"] if own else self.learned.init(value)
                moved, own["learned"] = self.learned.update({"p": parameter.grad}, before, value)
                parameter.lerp_(moved["p"], group["lr"])
        return loss
