"""How does a `torch.optim` optimizer become an inner optimizer? By reading its hyper-parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from fewsight.errors import LearnerError
from fewsight.inner.optimizer import InnerOptimizer
from fewsight.inner.optimizers import adagrad, adam, momentum, rmsprop, sgd


def from_torch(optimizer: torch.optim.Optimizer) -> InnerOptimizer:
    """The differentiable optimizer that takes the steps a fresh `optimizer` would take.

    Raises:
        LearnerError: several parameter groups, a class without a counterpart, or an option that has none.
    """
    if len(optimizer.param_groups) != 1:
        raise LearnerError(
            f"this {type(optimizer).__name__} has {len(optimizer.param_groups)} parameter groups: an inner optimizer "
            "has one; give each parameter its own rate with rates='parameter' or rates='layer' instead"
        )
    if type(optimizer) not in READERS:
        known = ", ".join(sorted(kind.__name__ for kind in READERS))
        raise LearnerError(f"no differentiable counterpart of {type(optimizer).__name__}: use one of {known}")
    group = optimizer.param_groups[0]
    reader, honoured = READERS[type(optimizer)]
    make: Any = type(optimizer)
    fresh = make([torch.zeros(())], lr=0.1).param_groups[0]
    ignored = {"params", "foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay"}
    for key, value in group.items():
        if key not in honoured | ignored and value != fresh[key]:
            raise LearnerError(f"{type(optimizer).__name__}({key}={value!r}) has no differentiable counterpart")
    return reader(group)


def _sgd(group: dict[str, Any]) -> InnerOptimizer:
    if group["momentum"] == 0:
        return sgd(group["lr"])
    return momentum(group["lr"], group["momentum"], dampening=group["dampening"], nesterov=group["nesterov"])


READERS: dict[type, tuple[Callable[[dict[str, Any]], InnerOptimizer], set[str]]] = {
    torch.optim.SGD: (_sgd, {"lr", "momentum", "dampening", "nesterov"}),
    torch.optim.Adam: (lambda g: adam(g["lr"], g["betas"], g["eps"]), {"lr", "betas", "eps"}),
    torch.optim.AdamW: (
        lambda g: adam(g["lr"], g["betas"], g["eps"], weight_decay=g["weight_decay"]),
        {"lr", "betas", "eps", "weight_decay"},
    ),
    torch.optim.RMSprop: (lambda g: rmsprop(g["lr"], g["alpha"], g["eps"]), {"lr", "alpha", "eps"}),
    torch.optim.Adagrad: (lambda g: adagrad(g["lr"], g["eps"]), {"lr", "eps"}),
}
"""By class: what makes the counterpart, and the options it honours."""
