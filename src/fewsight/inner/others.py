"""Which optimizers of `torch.optim` are there besides the usual ones? Those that `higher` offers too."""

from __future__ import annotations

from typing import Any

import torch

from fewsight.inner.optimizer import InnerOptimizer, Parameters
from fewsight.inner.optimizers import Scalar, root, zeros


def adadelta(learning_rate: Scalar = 1.0, rho: Scalar = 0.9, epsilon: float = 1e-6) -> InnerOptimizer:
    """Adadelta (Zeiler 2012, algorithm 1): steps as large as the last ones were, in units of the gradient's size."""

    def init(parameters: Parameters) -> Any:
        return zeros(parameters), zeros(parameters)

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        square, moves = state
        square = {n: rho * square[n] + (1 - rho) * g.square() for n, g in gradients.items()}
        steps = {n: root(moves[n] + epsilon) / root(square[n] + epsilon) * g for n, g in gradients.items()}
        moves = {n: rho * moves[n] + (1 - rho) * step.square() for n, step in steps.items()}
        return {n: p - learning_rate * steps[n] for n, p in parameters.items()}, (square, moves)

    return InnerOptimizer(init, update)


def adamax(
    learning_rate: Scalar = 2e-3, betas: tuple[Scalar, Scalar] = (0.9, 0.999), epsilon: float = 1e-8
) -> InnerOptimizer:
    """Adamax (Kingma & Ba 2015, algorithm 2): Adam with the largest gradient in the place of the root of a mean."""
    first, second = betas

    def init(parameters: Parameters) -> Any:
        return 0, zeros(parameters), zeros(parameters)

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        step, mean, largest = state
        step += 1
        mean = {n: first * mean[n] + (1 - first) * g for n, g in gradients.items()}
        largest = {n: torch.maximum(second * largest[n], g.abs() + epsilon) for n, g in gradients.items()}
        rate = learning_rate / (1 - first**step)
        return {n: p - rate * mean[n] / largest[n] for n, p in parameters.items()}, (step, mean, largest)

    return InnerOptimizer(init, update)


def asgd(learning_rate: Scalar = 1e-2, lambd: Scalar = 1e-4, alpha: Scalar = 0.75) -> InnerOptimizer:
    """Averaged SGD's own steps (Polyak & Juditsky 1992): the average, which no step depends on, is not kept."""

    def update(gradients: Parameters, state: int, parameters: Parameters) -> tuple[Parameters, int]:
        rate = learning_rate / (1 + lambd * learning_rate * state) ** alpha
        return {n: p * (1 - lambd * rate) - rate * gradients[n] for n, p in parameters.items()}, state + 1

    return InnerOptimizer(lambda parameters: 0, update)


def rprop(
    learning_rate: Scalar = 1e-2,
    etas: tuple[Scalar, Scalar] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
) -> InnerOptimizer:
    """Rprop (Riedmiller & Braun 1993): only signs count, so gradients pass through its steps to where they began."""
    less, more = etas

    def init(parameters: Parameters) -> Any:
        return zeros(parameters), {n: torch.ones_like(p) * learning_rate for n, p in parameters.items()}

    def update(gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        before, sizes = state
        agree = {n: g * before[n] for n, g in gradients.items()}
        changed = {n: torch.where(a < 0, less * sizes[n], sizes[n]) for n, a in agree.items()}
        changed = {n: torch.where(a > 0, more * sizes[n], changed[n]) for n, a in agree.items()}
        sizes = {n: size.clamp(*step_sizes) for n, size in changed.items()}
        kept = {n: torch.where(agree[n] < 0, 0.0, g) for n, g in gradients.items()}
        return {n: p - kept[n].sign() * sizes[n] for n, p in parameters.items()}, (kept, sizes)

    return InnerOptimizer(init, update)
