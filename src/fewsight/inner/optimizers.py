"""Which inner optimizers are there? Those of `torch.optim`, as pure functions that take the very same steps.

Each follows the trajectory of its namesake in `torch.optim` (same arguments, same defaults) and can be differentiated
through, also where a gradient is exactly 0: there the derivative of a square root is taken as 0 instead of infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fewsight.inner.optimizer import InnerOptimizer, Parameters

Scalar = float | Tensor
"""A hyper-parameter; a tensor may itself be meta-learned."""


def momentum(
    learning_rate: Scalar, momentum: Scalar = 0.9, *, dampening: float = 0.0, nesterov: bool = False
) -> InnerOptimizer:
    """Heavy-ball momentum, or Nesterov's (Sutskever et al. 2013, equations 3 and 4): b <- mu b + g; step along b."""

    def update(gradients: Parameters, state: Parameters, parameters: Parameters) -> tuple[Parameters, Parameters]:
        if not state:
            buffers = gradients
        else:
            buffers = {n: momentum * state[n] + (1 - dampening) * g for n, g in gradients.items()}
        steps = {n: g + momentum * buffers[n] for n, g in gradients.items()} if nesterov else buffers
        return {n: p - learning_rate * steps[n] for n, p in parameters.items()}, buffers

    return InnerOptimizer(init=lambda parameters: {}, update=update)


def nesterov(learning_rate: Scalar, rho: Scalar = 0.9) -> InnerOptimizer:
    """`momentum` with Nesterov's look-ahead."""
    return momentum(learning_rate, rho, nesterov=True)


def adam(
    learning_rate: Scalar = 1e-3,
    betas: tuple[Scalar, Scalar] = (0.9, 0.999),
    epsilon: float = 1e-8,
    *,
    weight_decay: Scalar = 0.0,
    amsgrad: bool = False,
) -> InnerOptimizer:
    """Adam (Kingma & Ba 2015, algorithm 1); `weight_decay` is decoupled (AdamW; Loshchilov & Hutter 2019).

    With `amsgrad` the largest mean of squares so far is divided by (Reddi, Kale & Kumar 2018).
    """
    first, second = betas

    def init(parameters: Parameters) -> Any:
        return 0, zeros(parameters), zeros(parameters), zeros(parameters) if amsgrad else {}

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        step, mean, square, most = state
        step += 1
        mean = {n: first * mean[n] + (1 - first) * g for n, g in gradients.items()}
        square = {n: second * square[n] + (1 - second) * g.square() for n, g in gradients.items()}
        most = {n: torch.maximum(value, square[n]) for n, value in most.items()}
        moved = {}
        for n, p in parameters.items():
            unbiased = mean[n] / (1 - first**step)
            scale = root((most if amsgrad else square)[n] / (1 - second**step)) + epsilon
            moved[n] = p * (1 - learning_rate * weight_decay) - learning_rate * unbiased / scale
        return moved, (step, mean, square, most)

    return InnerOptimizer(init, update)


def adamw(learning_rate: Scalar = 1e-3, weight_decay: Scalar = 0.01) -> InnerOptimizer:
    """`adam` with decoupled weight decay."""
    return adam(learning_rate, weight_decay=weight_decay)


def rmsprop(
    learning_rate: Scalar = 1e-2,
    alpha: Scalar = 0.99,
    epsilon: float = 1e-8,
    *,
    momentum: Scalar = 0.0,
    centered: bool = False,
) -> InnerOptimizer:
    """RMSprop (Tieleman & Hinton 2012): steps divided by the root of a running mean of squares, or of the variance."""
    heavy = isinstance(momentum, Tensor) or momentum > 0

    def init(parameters: Parameters) -> Any:
        return zeros(parameters), zeros(parameters) if centered else {}, zeros(parameters) if heavy else {}

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        square, mean, buffers = state
        square = {n: alpha * square[n] + (1 - alpha) * g.square() for n, g in gradients.items()}
        mean = {n: alpha * value + (1 - alpha) * gradients[n] for n, value in mean.items()}
        spread = {n: square[n] - mean[n].square() for n in mean} if centered else square
        if not heavy:
            return _scaled(parameters, gradients, spread, learning_rate, epsilon), (square, mean, buffers)
        buffers = {n: momentum * b + gradients[n] / (root(spread[n]) + epsilon) for n, b in buffers.items()}
        return {n: p - learning_rate * buffers[n] for n, p in parameters.items()}, (square, mean, buffers)

    return InnerOptimizer(init, update)


def adagrad(
    learning_rate: Scalar = 1e-2, epsilon: float = 1e-10, *, lr_decay: Scalar = 0.0, accumulated: float = 0.0
) -> InnerOptimizer:
    """Adagrad (Duchi et al. 2011): steps divided by the root of the sum of squares so far, `accumulated` before any.

    `lr_decay`: the rate of step t (from 0) is learning_rate / (1 + t lr_decay).
    """

    def init(parameters: Parameters) -> Any:
        return 0, {n: torch.full_like(p, accumulated) for n, p in parameters.items()}

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        step, total = state
        total = {n: total[n] + g.square() for n, g in gradients.items()}
        return _scaled(parameters, gradients, total, learning_rate / (1 + step * lr_decay), epsilon), (step + 1, total)

    return InnerOptimizer(init, update)


def clipped(optimizer: InnerOptimizer, max_norm: float) -> InnerOptimizer:
    """`optimizer` on gradients whose joint norm is at most `max_norm`, as `clip_grad_norm_` does, differentiably."""

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        norm = root(torch.stack([g.square().sum() for g in gradients.values()]).sum())
        factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)
        return optimizer.update({n: g * factor for n, g in gradients.items()}, state, parameters)

    return InnerOptimizer(optimizer.init, update)


def decayed(optimizer: InnerOptimizer, weight_decay: Scalar) -> InnerOptimizer:
    """`optimizer` on gradients with an L2 penalty, g + lambda theta: `weight_decay` as in `torch.optim`."""

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        penalised = {n: g + weight_decay * parameters[n] for n, g in gradients.items()}
        return optimizer.update(penalised, state, parameters)

    return InnerOptimizer(optimizer.init, update)


def grouped(groups: Sequence[tuple[frozenset[str], InnerOptimizer]]) -> InnerOptimizer:
    """Each optimizer on the parameters of its own names; those in no group stay as they are."""

    def part(values: Parameters, names: frozenset[str]) -> Parameters:
        return {n: value for n, value in values.items() if n in names}

    def init(parameters: Parameters) -> list[Any]:
        return [optimizer.init(part(parameters, names)) for names, optimizer in groups]

    def update(gradients: Parameters, state: list[Any], parameters: Parameters) -> tuple[Parameters, list[Any]]:
        moved, states = dict(parameters), []
        for (names, optimizer), before in zip(groups, state, strict=True):
            after, kept = optimizer.update(part(gradients, names), before, part(parameters, names))
            moved |= after
            states.append(kept)
        return moved, states

    return InnerOptimizer(init, update)


def root(square: Tensor) -> Tensor:
    """Square root whose derivative at 0 is 0."""
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, torch.ones_like(square)).sqrt(), 0.0)


def _scaled(parameters: Parameters, gradients: Parameters, square: Parameters, rate: Scalar, eps: float) -> Parameters:
    return {n: p - rate * gradients[n] / (root(square[n]) + eps) for n, p in parameters.items()}


def zeros(parameters: Parameters) -> Parameters:
    """As many zeros of the same shapes."""
    return {name: torch.zeros_like(value) for name, value in parameters.items()}


def sgd(learning_rate: Scalar) -> InnerOptimizer:
    """theta <- theta - alpha g."""

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        return {name: value - learning_rate * gradients[name] for name, value in parameters.items()}, state

    return InnerOptimizer(init=lambda parameters: None, update=update)
