"""Where would the meta-parameters have settled under other training tasks? Gauss-Newton and conjugate gradients.

The curvature of the mean meta-loss over M tasks is approximated by G = (1/M) sum_i J_i' H_i J_i, with J_i the
derivative of the query scores of task i in omega and H_i the second derivative of its loss in the scores. It is never
formed: only products with vectors are. Where scores are affine in omega and the loss is quadratic, G is the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from fewsight.experience.gradients import Weights, at, flat, leaves
from fewsight.inner.second import twice_differentiable
from fewsight.learner import Learner, task_loss
from fewsight.task import Task

SMALL = 20_000
"""Size of omega up to which the graphs of all tasks are kept between products; beyond, memory holds one at a time."""


class Curvature:
    """G of `tasks` at `omega`, as a product with vectors.

    Args:
        before: called before the work on each task; what it raises ends the product.
    """

    def __init__(
        self, learner: Learner, omega: Weights, tasks: Sequence[Task], before: Callable[[], None] = lambda: None
    ) -> None:
        self.before = before
        self.size = sum(value.numel() for value in omega.values())
        self._make = [partial(_Bend, learner, omega, task) for task in tasks]
        self._kept = [make() for make in self._make] if self.size <= SMALL else None

    def each(self, vector: Tensor) -> Iterator[Tensor]:
        """G_i v of each task, `(P,)`."""
        for bend in self._kept or (make() for make in self._make):
            self.before()
            yield bend(vector)

    def __call__(self, vector: Tensor) -> Tensor:
        """The product of the mean over tasks with `vector`, `(P,)`."""
        return sum(self.each(vector), torch.zeros_like(vector)) / len(self._make)


class _Bend:
    """J' H J of one task: J v comes from differentiating J' u, which is linear in u, once more."""

    def __init__(self, learner: Learner, omega: Weights, task: Task) -> None:
        with torch.enable_grad():
            inputs = leaves(learner, omega)
            self.omega = list(inputs.values())
            with twice_differentiable():
                self.scores = at(learner, inputs, lambda learner: learner(task.support, task.query))
            self.u = torch.zeros_like(self.scores, requires_grad=True)
            self.back = _gradient(self.scores, self.omega, self.u, create_graph=True)
            self.point = self.scores.detach().requires_grad_()
            self.slope = _gradient(task_loss(self.point, task), [self.point], None, create_graph=True)

    def __call__(self, vector: Tensor) -> Tensor:
        along = _gradient(self.back, [self.u], vector)
        bent = _gradient(self.slope, [self.point], along.reshape(-1))
        return _gradient(self.scores, self.omega, bent.view_as(self.scores))


def _gradient(value: Tensor, inputs: list[Tensor], along: Tensor | None, create_graph: bool = False) -> Tensor:
    found = torch.autograd.grad(
        value, inputs, along, create_graph=create_graph, retain_graph=True, materialize_grads=True
    )
    return flat(found)


@dataclass(frozen=True, eq=False)
class Solution:
    """x with A x = b up to `residual` = |A x - b| / |b|, after so many products."""

    x: Tensor
    residual: float
    iterations: int


def conjugate_gradients(
    product: Callable[[Tensor], Tensor], b: Tensor, *, iterations: int = 100, tolerance: float = 1e-6
) -> Solution:
    """Solve A x = b for a symmetric positive semi-definite A. Hestenes & Stiefel, 1952."""
    x, residual = torch.zeros_like(b), b
    direction, squared, goal = residual, residual @ residual, (tolerance**2) * (b @ b)
    taken = 0
    while taken < iterations and squared > goal:
        moved = product(direction)
        curvature = direction @ moved
        if curvature <= 0:  # flat from here on: nothing to be gained
            break
        step = squared / curvature
        x, residual = x + step * direction, residual - step * moved
        squared, before = residual @ residual, squared
        direction = residual + squared / before * direction
        taken += 1
    length = float(b.norm())
    return Solution(x, float(squared.sqrt()) / length if length else 0.0, taken)
