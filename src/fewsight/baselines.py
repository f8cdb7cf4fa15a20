"""What would simple methods do on the same task? They look at its inputs alone and know no other task.

A baseline is a method on a way to see inputs as rows of numbers: `{"random forest on fingerprints":
random_forest(fingerprints)}`. It answers with scores, as a learner does, so that every metric applies.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fewsight import tree
from fewsight.task import Task
from fewsight.tree import Tree

Baseline = Callable[[Task], Tensor | None]
"""From a task to scores of its queries: log probabilities `(Q, N)` or values `(Q, d)`; None: it does not apply."""
Rows = Callable[[Tree], np.ndarray | None]
"""From inputs `(n, ...)` to rows of numbers `(n, F)`; None where they cannot be seen so."""

FLOOR = 1e-6
"""The least probability, so that logarithms stay finite."""


def raw(inputs: Tree) -> np.ndarray | None:
    """Inputs as rows of numbers, missing values (NaN) as 0; None for trees of several tensors and for token ids."""
    first, *others = tree.leaves(inputs)
    if others or not first.is_floating_point():
        return None
    return np.nan_to_num(first.flatten(1).double().numpy())


def nearest_neighbour(rows: Rows) -> Baseline:
    """The label of the nearest support example, by Euclidean distance."""
    from sklearn.neighbors import KNeighborsClassifier

    return _classifier(rows, lambda: KNeighborsClassifier(1))


def logistic_regression(rows: Rows) -> Baseline:
    """Multinomial logistic regression with scikit-learn's regularisation (C = 1)."""
    from sklearn.linear_model import LogisticRegression

    return _classifier(rows, lambda: LogisticRegression(max_iter=1000))


def random_forest(rows: Rows, trees: int = 100) -> Baseline:
    """A random forest of scikit-learn's settings."""
    from sklearn.ensemble import RandomForestClassifier

    return _classifier(rows, lambda: RandomForestClassifier(trees, random_state=0))


def centroid(rows: Rows) -> Baseline:
    """The class whose mean is nearest by cosine: Rocchio's classifier; scores are cosines."""

    def answer(task: Task) -> Tensor | None:
        found = _split(task, rows)
        if found is None or task.support.ways is None:
            return None
        x, y, query = found
        means = np.stack([x[y == c].mean(0) if (y == c).any() else x[0] * 0 for c in range(task.support.ways)])
        return torch.from_numpy(_unit(query) @ _unit(means).T)

    return answer


def support_mean() -> Baseline:
    """The mean of the support values, whatever is asked."""

    def answer(task: Task) -> Tensor | None:
        if task.support.ways is not None:
            return None
        mean = task.support.y[task.support.weight > 0].mean(0).double()
        return mean.expand(len(task.target), -1)

    return answer


def ridge_regression(rows: Rows) -> Baseline:
    """Linear regression with an L2 penalty of 1."""

    def answer(task: Task) -> Tensor | None:
        from sklearn.linear_model import Ridge

        found = _split(task, rows)
        if found is None or task.support.ways is not None:
            return None
        x, y, query = found
        with _one_thread():
            return torch.from_numpy(Ridge().fit(x, y).predict(query).reshape(len(query), -1))

    return answer


def defaults(rows: Rows = raw, seen: str = "raw inputs") -> dict[str, Baseline]:
    """What every test prints: two classifiers and two regressions; a task takes those of its kind."""
    return {
        f"nearest neighbour on {seen}": nearest_neighbour(rows),
        f"logistic regression on {seen}": logistic_regression(rows),
        "mean of the support": support_mean(),
        f"ridge regression on {seen}": ridge_regression(rows),
    }


def _classifier(rows: Rows, make: Callable[[], Any]) -> Baseline:
    def answer(task: Task) -> Tensor | None:
        from sklearn.exceptions import ConvergenceWarning

        found = _split(task, rows)
        if found is None or task.support.ways is None:
            return None
        x, y, query = found
        share = np.zeros((len(query), task.support.ways))
        if (y == y[0]).all():
            share[:, y[0]] = 1
        else:
            with warnings.catch_warnings(), _one_thread():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = make().fit(x, y)
                share[:, model.classes_] = model.predict_proba(query)
        return torch.from_numpy(share).clamp(min=FLOOR).log()

    return answer


def _split(task: Task, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Rows and labels of the examples that are there, and rows of the queries."""
    support, query = rows(task.support.x), rows(task.query)
    if support is None or query is None:
        return None
    given = (task.support.weight > 0).numpy()
    return support[given], task.support.y.numpy()[given], query


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), FLOOR)


def _one_thread() -> Any:
    """Keeps linear algebra in one thread: on problems this small, waiting for others takes up to 25 times as long."""
    return _thread_pools().limit(limits=1)


@cache
def _thread_pools() -> Any:
    import sklearn.linear_model  # noqa: F401  # its libraries must be loaded to be found
    from threadpoolctl import ThreadpoolController  # scikit-learn brings it

    return ThreadpoolController()
