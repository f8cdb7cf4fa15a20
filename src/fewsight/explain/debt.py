"""What does a prediction owe to what was meta-learned, and when was that learned? (B5)

The derivative of F in the meta-parameters goes through the whole adaptation. Integrated along the checkpoints of
meta-training it adds up to the change of F from the first to the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.experience import Experience
from fewsight.explain import coalitions
from fewsight.explain.adaptation import Parameters, joined, layers, trainable_twin
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.progress import bar
from fewsight.explain.quadrature import PANELS, integrate, residual, resolution

NODES = 8
"""Gauss-Legendre nodes of a panel between two checkpoints."""


def debt(case: Case) -> Explanation:
    """<w_m, dF/dw_m> for the meta-parameters w_m of each module, `(M,)`: to first order, what fading it out would take.

    The provenance holds `gradient_norm`, |dF/dw_m|: how much the smallest change of the module can matter.
    """
    twin = trainable_twin(case)
    slopes, parameters = _slopes(twin), dict(twin.learner.named_parameters())
    modules = layers(parameters)
    effects = [float(joined(parameters, names) @ joined(slopes, names)) for names in modules.values()]
    return Explanation(
        kind="debt",
        question="How much does the prediction owe to the meta-learned parameters of each module?",
        values=np.array(effects),
        players=tuple(modules),
        target=case.target.description,
        value=coalitions.present(case),
        baseline=None,
        baseline_name="",
        semantics="derivative",
        notes=(
            "First order: what a small shrinking of the module would take away, through the whole adaptation.",
            "A module followed by a normalisation owes nothing to its scale, so its value is near 0 though it matters.",
        ),
        provenance=case.record(gradient_norm=[float(joined(slopes, names).norm()) for names in modules.values()]),
    )


def learned_when(
    case: Case,
    checkpoints: Sequence[Mapping[str, Tensor]],
    names: Sequence[str] | None = None,
    *,
    nodes: int = NODES,
    panels: int = PANELS,
    bound: float = 1e-3,
) -> Explanation:
    """phi[c, m] = integral of <dF/dw_m, w_m(c + 1) - w_m(c)> from one checkpoint to the next, `(C - 1, M)`.

    Sums to F under the last checkpoint - F under the first: which stretch of meta-training, and which module, made this
    prediction.

    Args:
        checkpoints: C >= 2 dictionaries of parameters by name (`learner.state_dict()`), in the order of training.
        names: of the checkpoints ("step 100"...).
        nodes, panels, bound: see `quadrature.integrate`.

    Raises:
        ExplanationError: fewer than two checkpoints, or one that lacks a parameter of the learner.
    """
    called = list(names) if names is not None else [f"checkpoint {c}" for c in range(len(checkpoints))]
    if len(checkpoints) < 2 or len(called) != len(checkpoints):
        raise ExplanationError(f"give at least two checkpoints, and a name for each: got {len(checkpoints)}")
    twin = trainable_twin(case)
    parameters = dict(twin.learner.named_parameters())
    path = [_checked(parameters, state, name) for state, name in zip(checkpoints, called, strict=True)]
    modules = layers(parameters)

    def place(start: Parameters, end: Parameters, along: float) -> None:
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(torch.lerp(start[name], end[name], along))

    def value() -> float:
        with twin.frozen(), torch.no_grad():
            return twin.value(twin.support.weight, drop=True).item()

    heights = []
    for state in path:
        place(state, state, 0.0)
        heights.append(value())
    least = resolution(heights[0], heights[-1])
    allowed = bound * max(abs(heights[-1] - heights[0]), least) / (len(path) - 1)
    parts, evaluations = [], 0
    with bar("going back through training", len(path) - 1, case.clock) as progress:
        for (start, end), (low, high) in zip(pairwise(path), pairwise(heights), strict=True):
            moved = {name: end[name] - start[name] for name in parameters}

            def gradient(
                points: np.ndarray,
                start: Parameters = start,
                end: Parameters = end,
                moved: Parameters = moved,
            ) -> np.ndarray:
                rows = []
                for along in points.tolist():
                    place(start, end, along)
                    slopes = _slopes(twin)
                    rows.append([float(joined(slopes, group) @ joined(moved, group)) for group in modules.values()])
                return np.array(rows)

            def values(points: np.ndarray, start: Parameters = start, end: Parameters = end) -> np.ndarray:
                found = []
                for along in points.tolist():
                    place(start, end, along)
                    found.append(value())
                return np.array(found)

            share = allowed / max(abs(high - low), least)
            found = integrate(gradient, values, nodes=nodes, panels=panels, bound=share, stop=case.late)
            parts.append(found.values)
            evaluations += found.evaluations
            progress.advance(1)
    total = np.stack(parts)
    missed = residual(total, heights[-1], heights[0])
    return Explanation(
        kind="learned_when",
        question="In which stretch of meta-training, and in which module, was this prediction learned?",
        values=total,
        players=tuple(f"{a} to {b}, {module}" for a, b in pairwise(called) for module in modules),
        target=case.target.description,
        value=heights[-1],
        baseline=heights[0],
        baseline_name=f"the learner at {called[0]}",
        semantics="replace",
        residual=missed,
        bound=bound,
        notes=(
            *(
                ("The prediction jumps between checkpoints (ReLU units switch in adaptation).",)
                if missed > bound
                else ()
            ),
            "Along straight lines between checkpoints: with more of them it comes nearer to how training went.",
        ),
        provenance=case.record(
            nodes=nodes, gradients=evaluations, checkpoints=called, modules=list(modules), heights=heights
        ),
    )


def recorded_when(case: Case, experience: Experience) -> Explanation:
    """`learned_when` along the snapshots of the recorded meta-training, up to the learner as it is."""
    own: dict[str, Tensor] = dict(case.learner.named_parameters())
    path = [own | dict(snapshot.omega) for snapshot in experience.snapshots]
    names = [f"step {snapshot.step}" for snapshot in experience.snapshots]
    if not path or any(not torch.equal(path[-1][name].to(value), value) for name, value in own.items()):
        path, names = [*path, own], [*names, "the end"]
    return learned_when(case, path, names)


def _slopes(twin: Case) -> Parameters:
    """dF/dw through the whole adaptation."""
    parameters = dict(twin.learner.named_parameters())
    with twin.frozen(), torch.enable_grad():
        value = twin.value(twin.support.weight.detach(), drop=True)
        if not value.requires_grad:
            return {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        found = torch.autograd.grad(value, list(parameters.values()), materialize_grads=True)
    return dict(zip(parameters, found, strict=True))


def _checked(parameters: Mapping[str, Tensor], state: Mapping[str, Tensor], name: str) -> Parameters:
    for key, parameter in parameters.items():
        if key not in state or state[key].shape != parameter.shape:
            raise ExplanationError(
                f"{name} has no parameter {key!r} of this learner's shape: is it of another learner?"
            )
    return {key: state[key].detach().to(parameter) for key, parameter in parameters.items()}
