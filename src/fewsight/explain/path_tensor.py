"""Which example moved the prediction, at which step, through which layer? The path the parameters took (A9).

The prediction is F(theta_T). Along the broken line theta_0, ..., theta_T its derivative in theta_l times what example i
contributed to the move of layer l adds up to F(theta_T) - F(theta_0), with first derivatives of F only.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from fewsight.explain.adaptation import (
    AdaptsParameters,
    Parameters,
    Step,
    adapting,
    attached,
    joined,
    layers,
    replay,
    slopes_at,
    values_at,
)
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.quadrature import PANELS, integrate, residual, resolution

NODES = 8
"""Gauss-Legendre nodes of a panel: for smooth networks one panel a step is exact to rounding."""
PENALTY = "the pull back to the start"
TOGETHER = "all examples together"


def path_tensor(case: Case, *, nodes: int = NODES, panels: int = PANELS, bound: float = 1e-3) -> Explanation:
    """phi[t, i, l] = integral over s in [0, 1] of <dF/dtheta_l (theta_t + s Delta_t), Delta_t^(l, i)>, `(T, K, L)`.

    Delta_t is the step and Delta_t^(l, i) what example i contributed to it in layer l: -(v_i / V) A_t^l g_i^l(theta_t)
    for gradient descent with step sizes A_t, and with momentum what its earlier gradients still contribute. Where the
    inner loss has a penalty (iMAML), that is one more player. Where steps are no sum over examples (Adam, a learned
    optimizer), phi is `(T, L)`.

    Args:
        nodes: Gauss-Legendre nodes of a panel.
        panels: the most pieces that a step is cut into where the network has kinks (ReLU).
        bound: the share of the change that may be missed; above it steps are cut further.

    Raises:
        ExplanationError: the learner does not adapt parameters step by step, or takes no step.
    """
    learner, steps = adapting(case), replay(case)
    heights = values_at(case, [steps[0].before, *(step.after for step in steps)])
    names = layers(learner.moving(steps[0].before))
    who, moves = _contributions(case, learner, steps)
    least = resolution(heights[0], heights[-1])
    allowed = bound * max(abs(heights[-1] - heights[0]), least) / len(steps)
    parts, evaluations = [], 0
    for step, moved, (start, end) in zip(steps, moves, pairwise(heights), strict=True):
        directions = [torch.stack([joined(one, group) for one in moved]) for group in names.values()]

        def between(along: float, step: Step = step) -> Parameters:
            return {n: torch.lerp(value, step.after[n], along) for n, value in step.before.items()}

        def gradient(points: np.ndarray, directions: list[Tensor] = directions) -> np.ndarray:
            rows = []
            for along in points.tolist():
                slopes = slopes_at(case, between(along))
                each = [d @ joined(slopes, group) for d, group in zip(directions, names.values(), strict=True)]
                rows.append(torch.stack(each, -1).reshape(-1).cpu().numpy())
            return np.stack(rows)

        found = integrate(
            gradient,
            lambda points: np.array(values_at(case, map(between, points.tolist()))),
            nodes=nodes,
            panels=panels,
            bound=allowed / max(abs(end - start), least),
            stop=case.late,
        )
        parts.append(found.values.reshape(len(who), len(names)))
        evaluations += found.evaluations
    values, split = np.stack(parts), who != (TOGETHER,)
    missed = residual(values, heights[-1], heights[0])
    return Explanation(
        kind="path_tensor",
        question="Which support example moved the prediction, at which step, through which layer?",
        values=values if split else values[:, 0],
        players=tuple(
            ", ".join((f"step {t + 1}", *([name] if split else []), layer))
            for t in range(len(steps))
            for name in who
            for layer in names
        ),
        target=case.target.description,
        value=heights[-1],
        baseline=heights[0],
        baseline_name="the model before its first inner step",
        semantics="readout",
        residual=missed,
        bound=bound,
        notes=(
            *(("The network has more kinks (ReLU) than panels: give more panels.",) if missed > bound else ()),
            "A record of the path that was taken, not an effect: without an example all later steps would differ."
            if split
            else "Steps of this optimizer are no sum over examples: steps and layers are exact, and the share of each "
            "example is that of path.",
        ),
        provenance=case.record(
            nodes=nodes, gradients=evaluations, steps=len(steps), examples=list(who), layers=list(names)
        ),
    )


def example_gradients(case: Case, theta: Parameters, origin: Parameters) -> list[Parameters]:
    """Each example's part of the gradient of the inner loss, K of them, and last what no example has part in."""
    learner, moving = adapting(case), attached(adapting(case).moving(theta))
    weight = case.support.weight.detach().clone().requires_grad_()

    def slopes(of: Tensor) -> Parameters:
        found = torch.autograd.grad(of, list(moving.values()), retain_graph=True, materialize_grads=True)
        return dict(zip(moving, found, strict=True))

    with case.frozen(), torch.enable_grad():
        loss = learner.inner_loss(theta | moving, origin, case.support.reweighted(weight, drop=True))
        # The loss is linear in the weights: its derivative in a weight is that example's own loss.
        each = torch.autograd.grad(loss, weight, create_graph=True)[0] * weight.detach()
        return [*(slopes(one) for one in each), slopes(loss - each.sum())]


def superposes(learner: AdaptsParameters, theta: Parameters, seed: int = 0) -> bool:
    """Whether the moves of the optimizer for two series of gradients add up to the move for their sums."""
    generator = torch.Generator().manual_seed(seed)

    def draw() -> Parameters:
        return {
            name: torch.randn(value.shape, dtype=torch.float64, generator=generator).to(value)
            for name, value in learner.moving(theta).items()
        }

    one, other = [draw(), draw()], [draw(), draw()]
    both = [{name: a[name] + b[name] for name in a} for a, b in zip(one, other, strict=True)]
    first, second, sums = (_responses(learner, [theta] * 2, series) for series in (one, other, both))
    rounding = torch.finfo(next(iter(theta.values())).dtype).eps
    for a, b, c in zip(first, second, sums, strict=True):
        x, y, z = (joined(moves, moves) for moves in (a, b, c))
        size = joined(theta, a).norm()
        if (x + y - z).norm() > rounding**0.5 * z.norm() + 100 * rounding * size:
            return False
    return True


def _contributions(
    case: Case, learner: AdaptsParameters, steps: list[Step]
) -> tuple[tuple[str, ...], list[list[Parameters]]]:
    """The players, and for each step what each of them contributed to the move of each parameter."""
    at, origin = [step.before for step in steps], steps[0].before
    if not superposes(learner, origin, case.seed):
        names = list(learner.moving(origin))
        return (TOGETHER,), [[{n: step.after[n] - step.before[n] for n in names}] for step in steps]
    gradients = [example_gradients(case, theta, origin) for theta in at]
    with torch.no_grad():
        # By superposition, each player's gradients alone, fed to the optimizer, give the player's own moves.
        moves = [_responses(learner, at, list(series)) for series in zip(*gradients, strict=True)]
    who = (*case.names, PENALTY)
    if not any(joined(move, move).any() for move in moves[-1]):
        who, moves = case.names, moves[:-1]
    return who, [list(step) for step in zip(*moves, strict=True)]


def _responses(learner: AdaptsParameters, at: list[Parameters], gradients: list[Parameters]) -> list[Parameters]:
    """The moves of the optimizer at these parameters, fed with these gradients from its beginning."""
    memory = learner.optimizer.init(learner.moving(at[0]))
    moves = []
    for index, (theta, slopes) in enumerate(zip(at, gradients, strict=True)):
        after, memory = learner.advance(theta, slopes, memory, index)
        moves.append({name: (after[name] - theta[name]).detach() for name in slopes})
    return moves
