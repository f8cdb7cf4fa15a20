"""How does a solved inner problem move when its inputs move? By the implicit function theorem, without its history.

Rajeswaran, Finn, Kakade, Levine, "Meta-Learning with Implicit Gradients", 2019, lemma 1 and algorithm 2. At a minimum
g(theta, omega) = grad L(theta, omega) + lambda (theta - theta_0) is 0, so d theta / d omega = -H^-1 dg / d omega with
H = Hessian of L + lambda. The query loss J then moves by -(H^-1 dJ/d theta) . dg / d omega: one system for each task,
solved by conjugate gradients, which need Hessian-vector products only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.func import grad

from fewsight.inner import Parameters
from fewsight.task import Support

if TYPE_CHECKING:
    from fewsight.learners.gradient.maml import MAML

ITERATIONS = 10
"""Of conjugate gradients; the paper uses 5 to 10."""

Judged = tuple[Tensor, Tensor]
"""A query loss and the scores that it judges."""


def through_the_solution(learner: MAML, support: Support, judge: Callable[[Parameters], Judged]) -> Judged:
    """What `judge` says of the adapted parameters, with the derivative of the exact solution; it vectorises."""
    origin = next(learner.steps(support))
    with torch.no_grad():
        solution = {name: value.detach() for name, value in learner.moving(learner.end(support)).items()}
    fixed = {name: value for name, value in origin.items() if name not in solution}

    def slope(at: Parameters) -> Parameters:
        return grad(lambda moving: learner.inner_loss(fixed | moving, origin, support))(at)

    def hessian_times(vector: Parameters) -> Parameters:
        return grad(lambda at: _dot(slope(at), vector))(solution)

    with torch.no_grad():
        wanted = grad(lambda at: judge(fixed | at)[0])(solution)
        # H is about lambda where the loss is flat: from there on, the worst that is found is the first-order gradient.
        start = {name: value / learner.proximal for name, value in wanted.items()}
        adjoint = conjugate_gradients(hessian_times, wanted, start, ITERATIONS)
    loss, scores = judge(fixed | solution)
    moved = -_dot(slope(solution), adjoint)
    return loss + moved - moved.detach(), scores


def conjugate_gradients(
    times: Callable[[Parameters], Parameters], target: Parameters, start: Parameters, iterations: int
) -> Parameters:
    """x with A x = `target` for symmetric positive definite A given by `times`, after at most so many iterations.

    Where a direction has no positive curvature, what was found before stays: no minimum lies there.
    """
    x = start
    image = times(x)
    residual = direction = {name: target[name] - image[name] for name in target}
    square, enough = _dot(residual, residual), 1e-20 * _dot(target, target)
    going = square > enough
    for _ in range(iterations):
        image = times(direction)
        curvature = _dot(direction, image)
        going = going & (square > enough) & (curvature > 0)  # once stopped, always: tasks stop at their own times
        rate = torch.where(going, square / torch.where(going, curvature, 1.0), 0.0)
        x = {name: x[name] + rate * direction[name] for name in x}
        residual = {name: residual[name] - rate * image[name] for name in x}
        before, square = square, _dot(residual, residual)
        turn = square / torch.where(before > 0, before, 1.0)
        direction = {name: residual[name] + turn * direction[name] for name in x}
    return x


def _dot(a: Parameters, b: Parameters) -> Tensor:
    return torch.stack([(a[name] * b[name]).sum() for name in a]).sum()
