"""Trap 4: influence functions assume convergence, which a few inner steps never reach.

Koh & Liang, "Understanding Black-box Predictions via Influence Functions", 2017, and the derivative through the
unrolled steps, both against what leaving an example out really does.
"""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor
from torch.func import functional_call, grad, jacrev, vmap

from fewsight.explain.case import Case
from fewsight.explain.influence import influence
from fewsight.explain.statistics import rank_correlation
from fewsight.explain.subsets import leave_one_out
from fewsight.learner import example_losses


def influence_function(case: Case, damping: float) -> np.ndarray:
    """(1/K) grad F . (H + damping)^-1 grad loss_i at the adapted parameters, which it takes for a minimum."""
    learner, support = case.learner, case.support
    theta = {name: value.detach() for name, value in case.model.state["theta"].items()}
    names, sizes = list(theta), [value.numel() for value in theta.values()]
    flat = torch.cat([value.reshape(-1) for value in theta.values()])

    def scores(flat: Tensor, x: Tensor) -> Tensor:
        parts = dict(zip(names, flat.split(sizes), strict=True))
        shaped = {name: part.reshape(theta[name].shape) for name, part in parts.items()}
        body = {name.removeprefix("network."): v for name, v in shaped.items() if name.startswith("network.")}
        return functional_call(learner.network, body, (x,)) @ shaped["head.weight"].mT + shaped["head.bias"]

    def one(flat: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return example_losses(scores(flat, x[None]), y[None])[0]

    def loss(flat: Tensor) -> Tensor:
        return example_losses(scores(flat, support.x), support.y).mean()

    curvature = jacrev(grad(loss))(flat) + damping * torch.eye(len(flat), dtype=flat.dtype)
    aim = grad(lambda flat: case.target(scores(flat, case.query)[0]))(flat)
    each = vmap(grad(one), (None, 0, 0))(flat, support.x, support.y)
    # Upweighting example i moves the minimum by -H^-1 g_i, so taking it out has the effect -F'.H^-1 g_i / K.
    return (-each @ torch.linalg.solve(curvature, aim) / support.size).numpy()


@pytest.mark.parametrize("steps", [1, 5])
def test_trap_4_the_unrolled_derivative_beats_the_influence_function(steps: int) -> None:
    unrolled, classic = [], []
    for seed in range(6):
        learner = tiny.learner(seed=seed, steps=steps)
        case = tiny.case(learner, tiny.support(3, 4, seed=seed), tiny.query(seed))
        truth = leave_one_out(case, drop=True).values
        unrolled.append(rank_correlation(influence(case).values, truth))
        classic.append(rank_correlation(influence_function(case, 0.01), truth))
    assert np.mean(unrolled) > 0.95
    assert np.mean(classic) < np.mean(unrolled) - 0.2
