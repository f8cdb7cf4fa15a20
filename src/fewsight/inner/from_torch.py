"""How does a `torch.optim` optimizer become an inner optimizer? By reading its hyper-parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from fewsight.errors import LearnerError, suggest
from fewsight.inner.optimizer import InnerOptimizer
from fewsight.inner.optimizers import Scalar, adagrad, adam, decayed, grouped, momentum, rmsprop, sgd
from fewsight.inner.others import adadelta, adamax, asgd, rprop

Override = Mapping[str, Scalar | Sequence[Scalar]]
"""Hyper-parameters by name: one value for all parameter groups, or a list with one for each (or for all)."""
IGNORED = {"params", "foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay"}


def from_torch(
    optimizer: torch.optim.Optimizer, module: nn.Module | None = None, override: Override | None = None
) -> InnerOptimizer:
    """The differentiable optimizer that takes the steps a fresh `optimizer` would take.

    Args:
        module: whose parameters `optimizer` holds: each group then moves its own, and those that it does not hold
            stay. Without it there is one group, which moves whatever it is given.
        override: hyper-parameters in the place of the optimizer's, for example tensors that are to be learned.

    Raises:
        LearnerError: several parameter groups without a module, a parameter that is not the module's, a class without a
            counterpart, or an option that has none.
    """
    groups = optimizer.param_groups
    if module is None and len(groups) != 1:
        raise LearnerError(
            f"this {type(optimizer).__name__} has {len(groups)} parameter groups: say whose parameters they are, "
            "from_torch(optimizer, module), or give each its own rate with rates='parameter' or rates='layer'"
        )
    if type(optimizer) not in READERS:
        known = ", ".join(sorted(kind.__name__ for kind in READERS))
        raise LearnerError(f"no differentiable counterpart of {type(optimizer).__name__}: use one of {known}")
    made = [
        _counterpart(type(optimizer), group | _of_group(override or {}, i, group)) for i, group in enumerate(groups)
    ]
    if module is None:
        return made[0]
    name_of = {id(parameter): name for name, parameter in module.named_parameters()}
    if any(id(parameter) not in name_of for group in groups for parameter in group["params"]):
        raise LearnerError(
            f"this {type(optimizer).__name__} holds a parameter that is not one of the module: make it from "
            "module.parameters()"
        )
    names = [frozenset(name_of[id(parameter)] for parameter in group["params"]) for group in groups]
    return grouped(list(zip(names, made, strict=True)))


def _of_group(override: Override, index: int, group: dict[str, Any]) -> dict[str, Any]:
    """What `override` says of the group of that number."""
    for key in override:
        if key not in group or key == "params":
            raise LearnerError(f"this optimizer has no option {key!r}{suggest(key, set(group) - IGNORED)}")
    lists = {key: value if isinstance(value, Sequence) else [value] for key, value in override.items()}
    return {key: values[index if len(values) > 1 else 0] for key, values in lists.items()}


def _counterpart(kind: type[torch.optim.Optimizer], group: dict[str, Any]) -> InnerOptimizer:
    reader, honoured = READERS[kind]
    make: Any = kind
    fresh = make([torch.zeros(())], lr=0.1).param_groups[0]
    for key, value in group.items():
        if key not in honoured | IGNORED and value != fresh[key]:
            raise LearnerError(f"{kind.__name__}({key}={value!r}) has no differentiable counterpart")
    return reader(group)


def _penalised(reader: Callable[[dict[str, Any]], InnerOptimizer]) -> Callable[[dict[str, Any]], InnerOptimizer]:
    """With the group's weight decay as an L2 penalty, which all but AdamW take it for."""

    def read(group: dict[str, Any]) -> InnerOptimizer:
        decay = group["weight_decay"]
        return reader(group) if isinstance(decay, float | int) and decay == 0 else decayed(reader(group), decay)

    return read


def _sgd(group: dict[str, Any]) -> InnerOptimizer:
    if isinstance(group["momentum"], float | int) and group["momentum"] == 0:
        return sgd(group["lr"])
    return momentum(group["lr"], group["momentum"], dampening=group["dampening"], nesterov=group["nesterov"])


READERS: dict[type, tuple[Callable[[dict[str, Any]], InnerOptimizer], set[str]]] = {
    torch.optim.SGD: (_penalised(_sgd), {"lr", "momentum", "dampening", "nesterov", "weight_decay"}),
    torch.optim.Adam: (
        _penalised(lambda g: adam(g["lr"], g["betas"], g["eps"], amsgrad=g["amsgrad"])),
        {"lr", "betas", "eps", "weight_decay", "amsgrad"},
    ),
    torch.optim.AdamW: (
        lambda g: adam(g["lr"], g["betas"], g["eps"], weight_decay=g["weight_decay"], amsgrad=g["amsgrad"]),
        {"lr", "betas", "eps", "weight_decay", "amsgrad"},
    ),
    torch.optim.RMSprop: (
        _penalised(lambda g: rmsprop(g["lr"], g["alpha"], g["eps"], momentum=g["momentum"], centered=g["centered"])),
        {"lr", "alpha", "eps", "weight_decay", "momentum", "centered"},
    ),
    torch.optim.Adagrad: (
        _penalised(
            lambda g: adagrad(
                g["lr"], g["eps"], lr_decay=g["lr_decay"], accumulated=g.get("initial_accumulator_value", 0.0)
            )
        ),
        {"lr", "eps", "weight_decay", "lr_decay", "initial_accumulator_value"},
    ),
    torch.optim.Adadelta: (
        _penalised(lambda g: adadelta(g["lr"], g["rho"], g["eps"])),
        {"lr", "rho", "eps", "weight_decay"},
    ),
    torch.optim.Adamax: (
        _penalised(lambda g: adamax(g["lr"], g["betas"], g["eps"])),
        {"lr", "betas", "eps", "weight_decay"},
    ),
    # t0 says when averaging begins, and no step depends on the average.
    torch.optim.ASGD: (
        _penalised(lambda g: asgd(g["lr"], g["lambd"], g["alpha"])),
        {"lr", "lambd", "alpha", "t0", "weight_decay"},
    ),
    torch.optim.Rprop: (lambda g: rprop(g["lr"], g["etas"], g["step_sizes"]), {"lr", "etas", "step_sizes"}),
}
"""By class: what makes the counterpart, and the options it honours."""
