"""Which meta-training tasks does a prediction rest on? What each did to it, to first order and by Gauss-Newton (C1).

All values have one sign and one unit: positive means that having the task in meta-training raised F, as one of M
tasks that weigh alike. Three answers, from the cheapest to the truest:

task_influence      first order, summed over snapshots of the training; from sketches where the tasks are gone
task_newton         where training ends, curvature included; one linear system for each prediction
leave_one_task_out  the optimum without each task; exact where scores are affine in omega and the loss is quadratic
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.experience.gradients import Weights, at, gradient, meta_gradient, sketch, trainable
from fewsight.experience.value import Experience
from fewsight.explain.case import Case
from fewsight.explain.coalitions import present
from fewsight.explain.curvature import Curvature, conjugate_gradients
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.progress import bar
from fewsight.learner import Learner
from fewsight.task import Task

GRADIENT = 5
"""Adaptations that a meta-gradient takes, about: one, its queries, and the way back through both."""
SOLVED = 1e-2
"""Relative residual of the linear system above which its solution is not to be trusted."""
SETTLED = 1e-3
"""Slope left at a Newton optimum, relative to the removed task's own, up to which it counts as the optimum."""


def task_influence(case: Case, experience: Experience, *, sketched: bool | None = None) -> Explanation:
    """-(1/M) sum_t eta_t <s_t dF/domega_t, s_t dL_i/domega_t> over snapshots t, `(M,)`.

    eta_t is the learning rate summed over the steps that snapshot t stands for, s_t^2 what the optimizer multiplied
    gradients by. Pruthi et al., "Estimating Training Data Influence by Tracing Gradient Descent", 2020 (TracInCP),
    with F through the whole adaptation and L_i the loss that meta-training minimised.

    Args:
        sketched: from sketches instead of exact gradients; default: only where the tasks cannot be drawn again, or
            where the case's time is too short for their gradients.

    Raises:
        ExplanationError: sketches are needed and were not kept.
    """
    if sketched is None:
        hurried = experience.sketches is not None and not case.affords(adaptations(experience, sketched=False))
        sketched = experience.tasks is None or hurried
    if sketched and experience.sketches is None:
        raise ExplanationError("the record of meta-training holds neither the tasks nor sketches of their gradients")
    values = np.zeros(experience.size)
    with case.frozen(), bar("meta-training tasks", len(experience.snapshots) * experience.size, case.clock) as progress:
        for index, snapshot in enumerate(experience.snapshots):
            own = snapshot.scaled(_slope(case, snapshot.omega))
            if sketched:
                assert experience.sketches is not None
                products = experience.sketches[index].to(own) @ sketch(own)
                progress.advance(experience.size)
            else:
                products = own.new_empty(experience.size)
                for i, task in enumerate(_tasks(experience)):
                    products[i] = snapshot.pull(case.learner, task) @ own
                    progress.advance(1)
            values -= snapshot.rate / experience.size * products.double().cpu().numpy()
    notes = ["First order: it follows each step, not what later steps made of it."]
    if sketched:
        notes.append("From sketches of the gradients: each value has a random error of a few percent of the largest.")
    return _explanation(
        case,
        experience,
        "task_influence",
        "Which meta-training tasks raised or lowered this prediction while the learner was trained?",
        values,
        "derivative",
        notes,
        snapshots=[snapshot.step for snapshot in experience.snapshots],
        gradients="sketched" if sketched else "exact",
    )


def adaptations(experience: Experience, *, sketched: bool) -> int:
    """What `task_influence` takes, in adaptations."""
    return GRADIENT * len(experience.snapshots) * (1 if sketched else 1 + experience.size)


def task_newton(
    case: Case, experience: Experience, *, damping: float = 0.1, iterations: int = 50, tolerance: float = 1e-3
) -> Explanation:
    """-(1/M) dF/domega' (G + lambda I)^-1 dL_i/domega at the learner's omega, `(M,)`: an influence function.

    Koh & Liang, "Understanding Black-box Predictions via Influence Functions", 2017, with the Gauss-Newton matrix G.

    Args:
        damping: lambda as a share of the curvature along dF/domega; omega is rarely at an optimum, and without damping
            flat directions would count for everything.
        iterations: the most products of conjugate gradients.

    Raises:
        ExplanationError: the tasks cannot be drawn again.
    """
    tasks, learner, omega = _tasks(experience), case.learner, trainable(case.learner)
    with case.frozen(), bar("meta-training tasks", iterations, case.clock) as progress:
        slope = _slope(case, omega)
        curvature = Curvature(learner, omega, tasks, case.clock.check)
        length = slope @ slope
        damped = damping * slope @ curvature(slope) / length if length > 0 else length

        def product(vector: Tensor) -> Tensor:
            progress.advance(1)
            return curvature(vector) + damped * vector

        solved = conjugate_gradients(product, slope, iterations=iterations, tolerance=tolerance)
        pulls = torch.stack([pull @ solved.x for pull in _pulls(case, omega, tasks)])
    unsolved = Measure(
        "residual of the linear system",
        solved.residual,
        passed=solved.residual <= SOLVED,
        meaning="How far the conjugate gradients were from the solution when they stopped.",
    )
    return _explanation(
        case,
        experience,
        "task_newton",
        "How would this prediction change if a meta-training task had weighed a little less?",
        -pulls.double().cpu().numpy() / experience.size,
        "derivative",
        ["An influence function assumes that training has converged; the damping stands for that it has not."],
        (unsolved,),
        damping=damping,
        iterations=solved.iterations,
    )


def leave_one_task_out(case: Case, experience: Experience, *, iterations: int = 200) -> Explanation:
    """F at the optimum of all tasks minus F at the optimum without task i, each one Newton step from here, `(M,)`.

    Exact where the scores are affine in omega and the loss is quadratic in them (MAML on linear regression: one inner
    step is affine in its start). Elsewhere a linearised retraining; the slope that is left at the new optimum says
    how good it is, and fails the explanation where it is not small.

    Raises:
        ExplanationError: the tasks cannot be drawn again, or there is only one.
    """
    tasks, learner, omega = _tasks(experience), case.learner, trainable(case.learner)
    if len(tasks) < 2:
        raise ExplanationError("leaving out the only meta-training task leaves nothing to train on")
    with case.frozen(), bar("meta-training tasks", len(tasks), case.clock) as progress:
        slopes = torch.stack(list(_pulls(case, omega, tasks)))
        curvature = Curvature(learner, omega, tasks, case.clock.check)
        # Beyond the size of omega, conjugate gradients only repair rounding.
        steps = min(iterations, 4 * curvature.size)

        def optimum(kept: list[int]) -> dict[str, Tensor]:
            def product(vector: Tensor) -> Tensor:
                return torch.stack(list(curvature.each(vector)))[kept].mean(0)

            way = conjugate_gradients(product, -slopes[kept].mean(0), iterations=steps, tolerance=1e-14).x
            return _moved(omega, way)

        everything = list(range(len(tasks)))
        full = _value(case, optimum(everything))
        values, left = np.empty(len(tasks)), np.empty(len(tasks))
        for i in everything:
            kept = [k for k in everything if k != i]
            found = optimum(kept)
            values[i] = full - _value(case, found)
            remaining = torch.stack(list(_pulls(case, found, [tasks[k] for k in kept]))).mean(0)
            left[i] = remaining.norm() / (slopes[i].norm() / len(tasks)).clamp(min=1e-30)
            progress.advance(1)
    settled = Measure(
        "slope left at the optimum without a task, relative to that task's",
        float(left.max()),
        passed=bool(left.max() <= SETTLED),
        meaning="0 where one Newton step is the same as training again without the task.",
    )
    return _explanation(
        case,
        experience,
        "leave_one_task_out",
        "What would the prediction be, had the learner never met a meta-training task?",
        values,
        "renormalise",
        ["One Newton step to each optimum: exact for quadratic meta-losses."],
        (settled,),
    )


def _tasks(experience: Experience) -> tuple[Task, ...]:
    if experience.tasks is None:
        raise ExplanationError(
            "this needs the meta-training tasks themselves: open the data that the learner was trained on"
        )
    return experience.tasks


def _pulls(case: Case, omega: Weights, tasks: Sequence[Task]) -> Iterator[Tensor]:
    """The meta-gradient of each task, as long as there is time."""
    for task in tasks:
        case.clock.check()
        yield meta_gradient(case.learner, omega, task)


def _prediction(case: Case, learner: Learner) -> Tensor:
    return case.target(learner(case.support, case.query)[0].double())


def _slope(case: Case, omega: Any) -> Tensor:
    """dF/domega at `omega`, `(P,)`, through the whole adaptation."""
    return gradient(case.learner, omega, lambda learner: _prediction(case, learner))


def _value(case: Case, omega: dict[str, Tensor]) -> float:
    with torch.no_grad():
        return float(at(case.learner, omega, lambda learner: _prediction(case, learner)))


def _moved(omega: dict[str, Tensor], way: Tensor) -> dict[str, Tensor]:
    parts = way.split([value.numel() for value in omega.values()])
    return {
        name: value.detach() + part.view_as(value) for (name, value), part in zip(omega.items(), parts, strict=True)
    }


def _explanation(
    case: Case,
    experience: Experience,
    kind: str,
    question: str,
    values: np.ndarray,
    semantics: str,
    notes: list[str],
    fidelity: tuple[Measure, ...] = (),
    **record: Any,
) -> Explanation:
    return Explanation(
        kind=kind,
        question=question,
        values=values,
        players=experience.names,
        target=case.target.description,
        value=present(case),
        baseline=None,
        baseline_name="",
        semantics=semantics,
        fidelity=fidelity,
        notes=(
            *notes,
            "Positive: having the task in meta-training raised the target. Only recorded tasks are players.",
        ),
        provenance=case.record(tasks=experience.size, **record),
    )
