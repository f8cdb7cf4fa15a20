"""How does a solved inner problem move when its inputs move? By the implicit function theorem, without its history.

Rajeswaran, Finn, Kakade, Levine, "Meta-Learning with Implicit Gradients", 2019, lemma 1 and algorithm 2. At a minimum
g(theta, omega) = grad L(theta, omega) + lambda (theta - theta_0) is 0, so d theta / d omega = -H^-1 dg / d omega with
H = Hessian of L + lambda. H^-1 v comes from conjugate gradients, which need Hessian-vector products only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fewsight.inner import Parameters
from fewsight.task import Support

if TYPE_CHECKING:
    from fewsight.learners.gradient.maml import MAML

Vectors = tuple[Tensor, ...]

ITERATIONS = 10
"""Of conjugate gradients; the paper uses 5 to 10."""


def attach_implicit_gradient(learner: MAML, theta: Parameters, support: Support) -> Parameters:
    """`theta`, the solution found, as a value whose derivative is that of the exact solution."""
    names = list(learner.moving(theta))
    solution = [theta[name].detach().requires_grad_() for name in names]

    def residual(at: list[Tensor]) -> Vectors:
        here = theta | dict(zip(names, at, strict=True))
        origin = next(learner.steps(support))
        fixed = {name: value for name, value in origin.items() if name not in names}
        loss = learner.inner_loss(here | fixed, origin, support)
        return torch.autograd.grad(loss, at, create_graph=True, materialize_grads=True)

    def hessian_times(vector: Vectors) -> Vectors:
        with torch.enable_grad():
            return torch.autograd.grad(gradient, solution, vector, retain_graph=True, materialize_grads=True)

    with torch.enable_grad():
        gradient = residual(solution)
        moved = _Solve.apply(hessian_times, learner.proximal, *gradient)
    # At the solution the Newton step is 0: only its derivative is wanted.
    return theta | {n: s.detach() - m for n, s, m in zip(names, solution, moved, strict=True)}


class _Solve(torch.autograd.Function):
    """0, with the derivative of H^-1 g in g; H is symmetric, so backward solves the same system."""

    @staticmethod
    def forward(ctx: Any, hessian_times: Callable[[Vectors], Vectors], penalty: float, *g: Tensor) -> Vectors:
        ctx.hessian_times, ctx.penalty = hessian_times, penalty
        return tuple(torch.zeros_like(part) for part in g)

    @staticmethod
    def backward(ctx: Any, *vector: Tensor) -> tuple[Any, ...]:
        # H is about lambda where the loss is flat: from there on, the worst that is found is the first-order gradient.
        start = tuple(part / ctx.penalty for part in vector)
        return (None, None, *conjugate_gradients(ctx.hessian_times, vector, start, ITERATIONS))


def conjugate_gradients(
    times: Callable[[Vectors], Vectors], target: Vectors, start: Vectors, iterations: int
) -> Vectors:
    """x with A x = `target` for symmetric positive definite A given by `times`, after at most so many iterations."""
    x = start
    residual = direction = tuple(t - image for t, image in zip(target, times(x), strict=True))
    square = _dot(residual, residual)
    for _ in range(iterations):
        if square <= 1e-20 * _dot(target, target):
            break
        image = times(direction)
        curvature = _dot(direction, image)
        if curvature <= 0:  # not a minimum in this direction: what was found so far is the best there is
            break
        rate = square / curvature
        x = tuple(a + rate * d for a, d in zip(x, direction, strict=True))
        residual = tuple(r - rate * i for r, i in zip(residual, image, strict=True))
        square, before = _dot(residual, residual), square
        direction = tuple(r + square / before * d for r, d in zip(residual, direction, strict=True))
    return x


def _dot(a: Vectors, b: Vectors) -> Tensor:
    return torch.stack([(p * q).sum() for p, q in zip(a, b, strict=True)]).sum()
