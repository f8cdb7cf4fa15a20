"""What did adaptation move? Parameters by layer, what layers make of inputs, and what is left without the head (B1).

Raghu et al., "Rapid Learning or Feature Reuse?", 2020: whether a learner reuses its features or changes them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from fewsight import tree
from fewsight.errors import ExplanationError
from fewsight.explain.adaptation import Parameters, adapting, fixed_layers, joined, layers, thetas, values_at
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.similarity import linear_cka, mean_cca
from fewsight.learner import Model, task_metric
from fewsight.task import Task
from fewsight.tree import Tree

BEFORE = "the model before its first inner step"
SCORES = "scores"
FEW = 32
"""Inputs below which a single similarity is a rough estimate."""
MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"cka": linear_cka, "cca": mean_cca}


def movement(case: Case) -> Explanation:
    """|theta_T - theta_0| / |theta_0| of each layer, `(L,)`; NaN where a layer starts at 0."""
    path = thetas(case)
    start, end = path[0], path[-1]
    groups = layers(start)
    fixed = fixed_layers(case, start)

    def relative(names: list[str]) -> float:
        size, moved = joined(start, names).norm(), (joined(end, names) - joined(start, names)).norm()
        return float(moved / size) if size > 0 else 0.0 if moved == 0 else float("nan")

    values = np.array([*(0.0 for _ in fixed), *map(relative, groups.values())])
    zero = [layer for layer, value in zip([*fixed, *groups], values, strict=True) if np.isnan(value)]
    return Explanation(
        kind="movement",
        question="How far did adaptation move the parameters of each layer, as a share of their size?",
        values=values,
        players=(*fixed, *groups),
        target="distance that parameters moved, as a share of their size",
        value=relative([name for names in groups.values() for name in names]),
        baseline=None,
        baseline_name="",
        semantics="readout",
        notes=(
            "How far a layer moved is not how much that mattered: see layer_swap.",
            *(f"{layer} starts at 0, so its move has no relative size." for layer in zero),
        ),
        provenance=case.record(),
    )


def representation(case: Case, queries: Tree | None = None, *, measure: str = "cka") -> Explanation:
    """How alike are the features of each layer before and after adaptation? `(L + 1,)`, the scores last; 1 = the same.

    Args:
        queries: the pool of inputs `(M, ...)` they are compared on; default the support inputs and the query, which is
            few: a pool of other queries says more.
        measure: "cka" (debiased linear CKA) or "cca" (mean squared canonical correlation, for many inputs).
    """
    if measure not in MEASURES:
        raise ExplanationError(f"unknown measure {measure!r} of similarity: 'cka' or 'cca'")
    pool = pooled(case) if queries is None else queries
    path = thetas(case)
    start, end = path[0], path[-1]
    before, after = features(case, start, pool), features(case, end, pool)
    values = np.array([MEASURES[measure](before[layer], after[layer]) for layer in before])
    size = tree.length(pool)
    return Explanation(
        kind="representation" if measure == "cka" else "representation_cca",
        question="How alike is what each layer makes of inputs before and after adaptation?",
        values=values,
        players=tuple(before),
        target=case.target.description,
        value=values_at(case, [end])[0],
        baseline=None,
        baseline_name="",
        semantics="readout",
        notes=(
            *((f"Only {size} inputs were compared, a rough estimate: give more queries.",) if size < FEW else ()),
            *(("Not defined for a layer with too many features for so few inputs.",) if np.isnan(values).any() else ()),
            "1 means the same up to rotation and scale, 0 unrelated; chance does not push it up.",
        ),
        provenance=case.record(measure=measure, inputs=size),
    )


def head_removed(case: Case, task: Task) -> Explanation:
    """Accuracy of the nearest class mean on the features of each layer, before and after, `(L, 2)`; no head is asked.

    Class means are those of the case's support. Where the last layer before the scores does as well as the whole model
    (`value`), the head is needed for training only; where "before" does as well as "after", features were reused.

    Args:
        task: queries of the same task and their class indices; its support is not looked at.
    """
    if case.support.ways is None:
        raise ExplanationError("the nearest class mean needs classes; this is a regression task")
    path = thetas(case)
    start, end = path[0], path[-1]
    values = []
    for theta in (start, end):
        given, asked = features(case, theta, case.support.x), features(case, theta, task.query)
        values.append([_nearest_mean(case, given[layer], asked[layer], task) for layer in given if layer != SCORES])
    names = [layer for layer in given if layer != SCORES]
    with case.frozen(), torch.no_grad():
        adapted, initial = (task_metric(_model(case, theta)(task.query), task).item() for theta in (end, start))
    return Explanation(
        kind="head_removed",
        question="How often is the nearest class mean right, by the features of each layer alone?",
        values=np.array(values).T,
        players=tuple(f"{layer}, {when}" for layer in names for when in ("before", "after")),
        target=f"accuracy on {tree.length(task.query)} queries",
        value=adapted,
        baseline=initial,
        baseline_name=BEFORE,
        semantics="readout",
        notes=("The accuracy of the whole model is the value, with its head.",),
        provenance=case.record(layers=names),
    )


def features(case: Case, theta: Parameters, inputs: Tree) -> dict[str, np.ndarray]:
    """What each layer of the model with parameters `theta` makes of inputs `(M, ...)`: `(M, D)`, and the scores."""
    found: dict[str, np.ndarray] = {}
    modules = dict(case.learner.named_modules())
    names = [layer for layer in (*fixed_layers(case, theta), *layers(theta)) if layer in modules]

    def keep(layer: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            if isinstance(output, Tensor) and len(output) == tree.length(inputs):
                found[layer] = output.detach().flatten(1).double().cpu().numpy()

        return hook

    with case.frozen(), torch.no_grad():
        model = _model(case, theta)  # its support moments are made before anyone listens
        handles = [modules[layer].register_forward_hook(keep(layer)) for layer in names]
        try:
            scores = model(inputs)
        finally:
            for handle in handles:
                handle.remove()
    return found | {SCORES: scores.flatten(1).double().cpu().numpy()}


def pooled(case: Case) -> Tree:
    """The support inputs and the query as one pool `(K + 1, ...)`."""
    return tree.tree_map(lambda *parts: torch.cat(parts), case.support.x, case.query)


def _model(case: Case, theta: Parameters) -> Model:
    return Model(case.learner, case.support, adapting(case).state(theta, case.support))


def _nearest_mean(case: Case, given: np.ndarray, asked: np.ndarray, task: Task) -> float:
    share = case.support.class_share.detach().double().cpu().numpy()
    distance = np.square(asked[:, None] - share.T @ given).sum(-1)
    distance[:, ~case.support.present.cpu().numpy()] = np.inf
    weight = task.query_weight.double().cpu().numpy()
    return float((distance.argmin(1) == task.target.cpu().numpy()) @ weight / weight.sum())
