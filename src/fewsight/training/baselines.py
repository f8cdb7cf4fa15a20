"""What would simple methods do on the same task? They look at raw inputs alone and know no other task."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from fewsight import tree
from fewsight.task import Task
from fewsight.tree import Tree

Baseline = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""From support rows `(K, F)`, their labels or values, and query rows `(Q, F)` to predictions."""


def nearest_neighbour(x: np.ndarray, y: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The label of the nearest support example, by Euclidean distance."""
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(1).fit(x, y).predict(query)


def logistic_regression(x: np.ndarray, y: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Multinomial logistic regression with scikit-learn's regularisation (C = 1)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if (y == y[0]).all():
        return np.full(len(query), y[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(max_iter=1000).fit(x, y).predict(query)


def support_mean(x: np.ndarray, y: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The mean of the support values, whatever is asked."""
    return np.broadcast_to(y.mean(0), (len(query), y.shape[1]))


def ridge_regression(x: np.ndarray, y: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Linear regression with an L2 penalty of 1."""
    from sklearn.linear_model import Ridge

    return Ridge().fit(x, y).predict(query).reshape(len(query), -1)


CLASSIFICATION: dict[str, Baseline] = {
    "nearest neighbour on raw inputs": nearest_neighbour,
    "logistic regression on raw inputs": logistic_regression,
}
REGRESSION: dict[str, Baseline] = {
    "mean of the support": support_mean,
    "ridge regression on raw inputs": ridge_regression,
}


def baselines(task: Task) -> dict[str, float]:
    """Accuracy (or mean squared error) of each baseline on `task`; empty where inputs are not single numeric arrays."""
    support, query = _rows(task.support.x), _rows(task.query)
    if support is None or query is None:
        return {}
    given, asked = (task.support.weight > 0).numpy(), (task.query_weight > 0).numpy()
    x, y = support[given], task.support.y.numpy()[given]
    query, target = query[asked], task.target.numpy()[asked]
    with _one_thread():
        if task.support.ways is None:
            return {name: float(np.square(model(x, y, query) - target).mean()) for name, model in REGRESSION.items()}
        return {name: float((model(x, y, query) == target).mean()) for name, model in CLASSIFICATION.items()}


def _one_thread() -> Any:
    """Keeps linear algebra in one thread: on problems this small, waiting for others takes up to 25 times as long."""
    return _thread_pools().limit(limits=1)


@cache
def _thread_pools() -> Any:
    import sklearn.linear_model  # noqa: F401  # its libraries must be loaded to be found
    from threadpoolctl import ThreadpoolController  # scikit-learn brings it

    return ThreadpoolController()


def _rows(inputs: Tree) -> np.ndarray | None:
    """Inputs as rows of numbers, missing values (NaN) as 0; None for trees of several tensors and for token ids."""
    first, *others = tree.leaves(inputs)
    if others or not first.is_floating_point():
        return None
    return np.nan_to_num(first.flatten(1).double().numpy())
