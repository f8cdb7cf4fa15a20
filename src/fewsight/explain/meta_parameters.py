"""Which steps has the learner learned to take? Step sizes and gates, checked to rebuild the path (B4)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.explain.adaptation import AdaptsParameters, Parameters, Step, adapting, joined, layers, replay
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation

BOUND = 1e-3
"""Relative error with which the arrays must rebuild each step."""


@runtime_checkable
class Gated(Protocol):
    """An optimizer whose step is theta <- keep theta - take gradient, number by number."""

    def gates(self, state: object) -> dict[str, Parameters]:
        """ "keep" and "take" of the step before `state`, by name of the parameter, `(n,)`."""


def step_sizes(case: Case) -> Explanation:
    """Mean step size of each layer in each inner step, `(T, L)`: what a gradient of 1 moves.

    theta_{t+1} = theta_t - A_t g_t with A_t a size for each number; the residual is how far that is from the true
    theta_{t+1}. The provenance holds the share of negative sizes by step and layer: steps *up* the loss, which
    Meta-SGD and MAML++ sometimes learn.

    Raises:
        ExplanationError: the steps are no product of a size and the present gradient (momentum, Adam, a learned rule).
    """
    learner, steps = adapting(case), replay(case)
    names = layers(learner.moving(steps[0].before))
    sizes = [sizes_at(learner, step.before, index) for index, step in enumerate(steps)]
    missed = _missed(steps, [{n: a[n] * step.gradients[n] for n in a} for a, step in zip(sizes, steps, strict=True)])
    if missed > BOUND:
        raise ExplanationError(
            "the steps of this inner optimizer are not step sizes times gradients (momentum, Adam or a learned rule)"
        )
    rows = [[joined(size, group) for group in names.values()] for size in sizes]
    negative = [[float((size < 0).double().mean()) for size in row] for row in rows]
    values = np.array([[float(size.mean()) for size in row] for row in rows])
    below = float(torch.cat([size < 0 for row in rows for size in row]).double().mean())
    return _explanation(
        case,
        "step_sizes",
        "How large a step does the learner take in each layer, at each inner step?",
        values,
        tuple(f"step {t + 1}, {layer}" for t in range(len(steps)) for layer in names),
        "step size (how far a gradient of 1 moves a parameter)",
        missed,
        (f"{below:.1%} of the step sizes are negative.", "Larger is faster, not more important: see layer_swap."),
        negative_share=negative,
        layers=list(names),
    )


def gates(case: Case) -> Explanation:
    """Mean gates of each layer in each inner step, `(T, L, 2)`: what is kept of theta, and taken of the gradient.

    theta_{t+1} = keep theta_t - take g_t; the residual is how far that is from the true theta_{t+1}. Ravi & Larochelle
    2017, equation 2.

    Raises:
        ExplanationError: the inner optimizer has no gates.
    """
    learner, steps = adapting(case), replay(case)
    if not isinstance(learner.optimizer, Gated):
        raise ExplanationError("the inner optimizer of this learner has no gates")
    names = layers(learner.moving(steps[0].before))
    found = [learner.optimizer.gates(step.memory) for step in steps]
    moves = [
        {
            n: (1 - g["keep"][n].reshape(p.shape)) * p + g["take"][n].reshape(p.shape) * step.gradients[n]
            for n, p in learner.moving(step.before).items()
        }
        for g, step in zip(found, steps, strict=True)
    ]
    values = np.array(
        [
            [[float(joined(g[gate], group).mean()) for gate in ("keep", "take")] for group in names.values()]
            for g in found
        ]
    )
    return _explanation(
        case,
        "gates",
        "How much of the parameters does each step keep, and how much of the gradient does it take?",
        values,
        tuple(
            f"step {t + 1}, {layer}, {gate}" for t in range(len(steps)) for layer in names for gate in ("keep", "take")
        ),
        "gates of the learned optimizer",
        _missed(steps, moves),
        ("Gradient descent keeps 1 and takes the learning rate.",),
        layers=list(names),
    )


def sizes_at(learner: AdaptsParameters, theta: Parameters, index: int) -> Parameters:
    """A_t: how far a gradient of 1 moves each number in step `index`, from a fresh memory."""
    moving = learner.moving(theta)
    with torch.no_grad():
        unit = {name: torch.ones_like(value) for name, value in moving.items()}
        after, _ = learner.advance(theta, unit, learner.optimizer.init(moving), index)
        return {name: value - after[name] for name, value in moving.items()}


def _missed(steps: list[Step], moves: list[Parameters]) -> float:
    """The largest relative error of the moves theta_t - theta_{t+1} said; rounding of theta itself does not count."""
    worst = 0.0
    for step, said in zip(steps, moves, strict=True):
        true = -step.moved(said)
        rounding = 100 * torch.finfo(next(iter(said.values())).dtype).eps * joined(step.before, said).norm()
        wrong: Tensor = (joined(said, said) - true).norm() - rounding
        worst = max(worst, float(wrong.clamp(min=0) / true.norm().clamp(min=1e-300)))
    return worst


def _explanation(
    case: Case,
    kind: str,
    question: str,
    values: np.ndarray,
    players: tuple[str, ...],
    target: str,
    missed: float,
    notes: tuple[str, ...],
    **more: object,
) -> Explanation:
    return Explanation(
        kind=kind,
        question=question,
        values=values,
        players=players,
        target=target,
        value=float(values.mean()),
        baseline=None,
        baseline_name="",
        semantics="readout",
        residual=missed,
        bound=BOUND,
        notes=notes,
        provenance=case.record(**more),
    )
