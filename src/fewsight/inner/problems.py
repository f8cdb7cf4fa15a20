"""What does an optimizer work on? A batch of problems, and the steps it takes down them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.func import vmap
from torch.utils import _pytree as pytree

from fewsight.inner.optimizer import Parameters
from fewsight.inner.second import gradients_of


class Rule(Protocol):
    """An update rule: an `InnerOptimizer`, or a learned one."""

    @property
    def init(self) -> Callable[[Parameters], Any]:
        """The state before the first step, from the parameters."""

    @property
    def update(self) -> Callable[[Parameters, Any, Parameters], tuple[Parameters, Any]]:
        """New parameters and state, from gradients, state and parameters."""


class Losses(Protocol):
    """From parameters, each `(B, ...)`, to the loss of each problem, `(B,)`."""

    def __call__(self, parameters: Parameters, step: int | None = None) -> Tensor:
        """At `step` (from 0) on that step's minibatch; with None on all data. Problem b sees parameters `[b]` only."""


@dataclass(frozen=True)
class Problems:
    """B problems of one shape, solved side by side.

    Attributes:
        start: initial parameters, each `(B, ...)`.
        losses: what is to be made small.
    """

    start: Parameters
    losses: Losses


class Step(NamedTuple):
    """One step: the parameters `before` and `after` it, and the gradients it was given, each `(B, ...)`."""

    before: Parameters
    gradients: Parameters
    after: Parameters


def trajectory(
    rule: Rule, problems: Problems, steps: int, *, unroll: int | None = None, first_order: bool = False
) -> Iterator[Step]:
    """`steps` steps of `rule` on each problem by itself.

    Args:
        unroll: cut the history after so many steps.
        first_order: take gradients as constants, though they depend on the steps before.
    """
    theta, state, update = problems.start, each(rule.init)(problems.start), each(rule.update)
    for step in range(steps):
        gradients = slope(problems, theta, step, first_order=first_order)
        after, state = update(gradients, state, theta)
        yield Step(theta, gradients, after)
        theta = after
        if unroll and (step + 1) % unroll == 0:
            theta, state = cut((theta, state))


def reached(rule: Rule, problems: Problems, steps: int) -> Tensor:
    """The losses `(B,)` on all data after `steps` steps; infinite where the rule diverged."""
    with torch.no_grad():
        *_, last = trajectory(rule, problems, steps)
        return problems.losses(last.after).nan_to_num(torch.inf, torch.inf)


def slope(problems: Problems, theta: Parameters, step: int, *, first_order: bool = False) -> Parameters:
    """The gradients of the losses at `theta`; with a history where `theta` has one, unless `first_order`."""
    past = not first_order and torch.is_grad_enabled() and any(value.requires_grad for value in theta.values())
    at = theta if past else {name: value.detach().requires_grad_() for name, value in theta.items()}
    with torch.enable_grad():
        return gradients_of(problems.losses(at, step).sum(), at, create_graph=past)


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` mapped over the first dimension of all tensors in its arguments; what is not a tensor is passed on.

    So a rule that takes a norm or a mean over its parameters never mixes the problems of a batch.
    """

    def mapped(*arguments: Any) -> Any:
        leaves, layout = pytree.tree_flatten(arguments)
        tensors = [index for index, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
        result: list[Any] = []

        def one(values: list[Tensor]) -> list[Tensor]:
            filled = list(leaves)
            for index, value in zip(tensors, values, strict=True):
                filled[index] = value
            result[:] = pytree.tree_flatten(function(*pytree.tree_unflatten(filled, layout)))
            return [leaf for leaf in result[0] if isinstance(leaf, Tensor)]

        found = iter(vmap(one)([leaves[index] for index in tensors]))
        merged = [next(found) if isinstance(leaf, Tensor) else leaf for leaf in result[0]]
        return pytree.tree_unflatten(merged, result[1])

    return mapped


def cut(tree: Any) -> Any:
    """The same values without history."""
    return pytree.tree_map(lambda value: value.detach() if isinstance(value, Tensor) else value, tree)
