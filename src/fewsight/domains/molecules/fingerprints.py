"""What do simple methods see of a molecule? Its folded fingerprint, or the descriptors that its atoms add up to."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fewsight.baselines import Baseline, logistic_regression, random_forest, ridge_regression, support_mean
from fewsight.networks.molecules import folded, summed
from fewsight.task import Task
from fewsight.tree import Tree

BITS = 2048
SHARPNESS = 10.0
"""Of the scores by similarity: a difference of 0.1 is worth a factor of e."""


def fingerprints(inputs: Tree) -> np.ndarray:
    """ECFP counts `(n, 2048)`, as log(1 + count)."""
    return folded(inputs, BITS).double().log1p().numpy()


def descriptors(inputs: Tree) -> np.ndarray:
    """Descriptors `(n, F)`: sums over atoms, as log(1 + sum) where they are counts."""
    rows = summed(inputs).double()
    return (rows.sign() * rows.abs().log1p()).numpy()


def tanimoto(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Similarity of fingerprints `(m, B)`, `(n, B)` by the places that are set, `(m, n)`; empty ones share nothing."""
    a, b = (first > 0).astype(float), (second > 0).astype(float)
    both = a @ b.T
    return both / np.maximum(a.sum(1)[:, None] + b.sum(1) - both, 1)


def nearest_molecule() -> Baseline:
    """Each class by its most similar support molecule (Tanimoto); in regression, its value."""

    def answer(task: Task) -> Tensor:
        given = (task.support.weight > 0).numpy()
        near = tanimoto(fingerprints(task.query), fingerprints(task.support.x)[given])
        if task.support.ways is None:
            return task.support.y[given][torch.from_numpy(near.argmax(1))].double()
        y = task.support.y.numpy()[given]
        best = [near[:, y == c].max(1) if (y == c).any() else np.zeros(len(near)) for c in range(task.support.ways)]
        return torch.from_numpy(SHARPNESS * np.stack(best, 1)).log_softmax(-1)

    return answer


def on_fingerprints() -> dict[str, Baseline]:
    """What a test on molecules prints beside the learner."""
    return {
        "random forest on fingerprints": random_forest(fingerprints),
        "logistic regression on fingerprints": logistic_regression(fingerprints),
        "logistic regression on descriptors": logistic_regression(descriptors),
        "most similar molecule": nearest_molecule(),
        "mean of the support": support_mean(),
        "ridge regression on fingerprints": ridge_regression(fingerprints),
    }
