"""Which inner optimizers are there? Those of `torch.optim`, as pure functions that take the very same steps.

Each follows the trajectory of its namesake in `torch.optim` (same arguments, same defaults) and can be differentiated
through, also where a gradient is exactly 0: there the derivative of a square root is taken as 0 instead of infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from fewsight.errors import LearnerError, suggest
from fewsight.inner.learned import CoordinateLSTM, LearnedOptimizer, MetaLSTM
from fewsight.inner.momentum_lstm import MomentumLSTM
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
) -> InnerOptimizer:
    """Adam (Kingma & Ba 2015, algorithm 1); `weight_decay` is decoupled (AdamW; Loshchilov & Hutter 2019)."""
    first, second = betas

    def init(parameters: Parameters) -> Any:
        return 0, _zeros(parameters), _zeros(parameters)

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        step, mean, square = state
        step += 1
        mean = {n: first * mean[n] + (1 - first) * g for n, g in gradients.items()}
        square = {n: second * square[n] + (1 - second) * g.square() for n, g in gradients.items()}
        moved = {}
        for n, p in parameters.items():
            unbiased = mean[n] / (1 - first**step)
            scale = root(square[n] / (1 - second**step)) + epsilon
            moved[n] = p * (1 - learning_rate * weight_decay) - learning_rate * unbiased / scale
        return moved, (step, mean, square)

    return InnerOptimizer(init, update)


def adamw(learning_rate: Scalar = 1e-3, weight_decay: Scalar = 0.01) -> InnerOptimizer:
    """`adam` with decoupled weight decay."""
    return adam(learning_rate, weight_decay=weight_decay)


def rmsprop(learning_rate: Scalar = 1e-2, alpha: Scalar = 0.99, epsilon: float = 1e-8) -> InnerOptimizer:
    """RMSprop (Tieleman & Hinton 2012): steps divided by the root of a running mean of squares."""

    def update(gradients: Parameters, state: Parameters, parameters: Parameters) -> tuple[Parameters, Parameters]:
        square = {n: alpha * state[n] + (1 - alpha) * g.square() for n, g in gradients.items()}
        return _scaled(parameters, gradients, square, learning_rate, epsilon), square

    return InnerOptimizer(_zeros, update)


def adagrad(learning_rate: Scalar = 1e-2, epsilon: float = 1e-10) -> InnerOptimizer:
    """Adagrad (Duchi et al. 2011): steps divided by the root of the sum of squares so far."""

    def update(gradients: Parameters, state: Parameters, parameters: Parameters) -> tuple[Parameters, Parameters]:
        total = {n: state[n] + g.square() for n, g in gradients.items()}
        return _scaled(parameters, gradients, total, learning_rate, epsilon), total

    return InnerOptimizer(_zeros, update)


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


def _zeros(parameters: Parameters) -> Parameters:
    return {name: torch.zeros_like(value) for name, value in parameters.items()}


def sgd(learning_rate: Scalar) -> InnerOptimizer:
    """theta <- theta - alpha g."""

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        return {name: value - learning_rate * gradients[name] for name, value in parameters.items()}, state

    return InnerOptimizer(init=lambda parameters: None, update=update)


LEARNED: dict[str, type[LearnedOptimizer]] = {
    "lstm": CoordinateLSTM,
    "meta-lstm": MetaLSTM,
    "momentum-lstm": MomentumLSTM,
}

OPTIMIZERS: dict[str, Callable[[float], InnerOptimizer | LearnedOptimizer]] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "adagrad": adagrad,
    **LEARNED,
}


def named(name: str, learning_rate: float) -> InnerOptimizer | LearnedOptimizer:
    """The optimizer of that name at its other defaults.

    Raises:
        LearnerError: nothing of that name.
    """
    if name not in OPTIMIZERS:
        raise LearnerError(f"unknown inner optimizer {name!r}{suggest(name, OPTIMIZERS)}")
    return OPTIMIZERS[name](learning_rate)
