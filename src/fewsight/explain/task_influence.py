"""Which meta-training tasks does a prediction rest on? What each did to it, by Gauss-Newton (C1).

All values have one sign and one unit: positive means that having the task in meta-training raised F, as one of M
tasks that weigh alike. Training that ends is taken for a penalty on the way it went: with D = 1 / reach (see
`Experience`), small steps along a gradient of the mean loss end near the minimum of

    (1/M) sum_i L_i(omega) + 1/2 (omega - omega_0)' diag(D) (omega - omega_0),

and a derivative in the weight of L_i there is -(1/M) dF/domega' (G + diag(D))^-1 dL_i/domega. Flat directions, along
which the optimizer could not have gone far, count for little, stiff ones are at rest, and no damping is to be chosen.
Koh & Liang, "Understanding Black-box Predictions via Influence Functions", 2017; Bae et al., "If Influence Functions
are the Answer, Then What is the Question?", 2022, for the penalty; Ali, Kolter & Tibshirani, "A Continuous-Time View of
Early Stopping for Least Squares Regression", 2019, for why it stands for the length of training.

task_influence      from sketches: needs no data, one gradient for each prediction
task_newton         the same with the tasks and the whole curvature; one linear system for each prediction
leave_one_task_out  the optimum without each task; exact where scores are affine in omega and the loss is quadratic
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.experience.gradients import at, gradient, meta_gradient, sketch, trainable
from fewsight.experience.value import BENDS, Experience, sketches
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


def task_influence(case: Case, experience: Experience) -> Explanation:
    """-(1/M) dF/domega' (G + diag(1 / reach))^-1 dL_i/domega from sketches of all three, `(M,)`.

    Park et al., "TRAK: Attributing Model Behavior at Scale", 2023, solve in the space of sketches too, with another G.

    Raises:
        ExplanationError: sketches were not kept, and the tasks to make them from cannot be drawn again.
    """
    kept = experience.sketches
    if kept is None and experience.tasks is None:
        raise ExplanationError("the record of meta-training holds neither the tasks nor sketches of their gradients")
    with case.frozen():
        if kept is None:
            kept = sketches(case.learner, _timely(case, _tasks(experience)), experience.reach)
        own = _slope(case, trainable(case.learner))
        own = sketch(own * experience.reach.to(own).sqrt(), width=kept.shape[-1]).cpu().double()
    pulls, bends = kept[:, 0].cpu().double(), kept[:, 1:].cpu().double().flatten(0, 1)
    curvature = bends.T @ bends / experience.size + torch.eye(len(own), dtype=own.dtype)
    values = -(pulls @ torch.linalg.solve(curvature, own)) / experience.size
    return _explanation(
        case,
        experience,
        "task_influence",
        "Which meta-training tasks raised or lowered this prediction while the learner was trained?",
        values.numpy(),
        "derivative",
        ["From sketches of gradients and of curvature: values that are close may change places."],
    )


def adaptations(experience: Experience) -> int:
    """What `task_influence` takes, in adaptations."""
    return GRADIENT * (1 if experience.sketches is not None else 1 + experience.size * (1 + BENDS))


def task_newton(case: Case, experience: Experience, *, iterations: int = 50, tolerance: float = 1e-3) -> Explanation:
    """-(1/M) dF/domega' (G + diag(1 / reach))^-1 dL_i/domega at the learner's omega, `(M,)`.

    Args:
        iterations: the most products of conjugate gradients.

    Raises:
        ExplanationError: the tasks cannot be drawn again.
    """
    tasks, learner, omega = _tasks(experience), case.learner, trainable(case.learner)
    with case.frozen(), bar("meta-training tasks", iterations, case.clock) as progress:
        slope = _slope(case, omega)
        curvature = Curvature(learner, omega, tasks, case.clock.check)
        root = experience.reach.to(slope).sqrt()

        def product(vector: Tensor) -> Tensor:
            progress.advance(1)
            return root * curvature(root * vector) + vector

        solved = conjugate_gradients(product, root * slope, iterations=iterations, tolerance=tolerance)
        way = root * solved.x
        pulls = torch.stack([meta_gradient(learner, omega, task) @ way for task in _timely(case, tasks)])
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
        ["An influence function: training that ended is taken for a penalty on the way it went."],
        (unsolved,),
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
        slopes = torch.stack([meta_gradient(learner, omega, task) for task in _timely(case, tasks)])
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
            others = _timely(case, [tasks[k] for k in kept])
            remaining = torch.stack([meta_gradient(learner, found, task) for task in others]).mean(0)
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


def _timely(case: Case, tasks: Sequence[Task]) -> Iterator[Task]:
    """The tasks, as long as there is time."""
    for task in tasks:
        case.clock.check()
        yield task


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
