"""How good are the answers to one task? Metrics by name, each with its direction and how it is printed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from fewsight.errors import RecipeError, suggest
from fewsight.learner import task_metric
from fewsight.task import Task


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        measure: from scores `(Q, N)` (values `(Q, d)`) and their task to a number; NaN where it is not defined there.
        rises: whether more is better.
        percent: whether it is a share, printed in percent.
    """

    measure: Callable[[Tensor, Task], float]
    rises: bool = True
    percent: bool = False

    def shown(self, value: float) -> str:
        return f"{100 * value:.1f} %" if self.percent else f"{value:.4f}"

    def better(self, value: float, other: float) -> bool:
        return value > other if self.rises else value < other


def usual(task: Task) -> str:
    """The metric of tasks of this kind where a domain names none."""
    return "squared error" if task.target.is_floating_point() else "accuracy"


def balanced_accuracy(scores: Tensor, task: Task) -> float:
    """Mean over the classes that are asked for of the share answered rightly (recall)."""
    right = (scores.argmax(-1) == task.target).double()[task.query_weight > 0]
    target = task.target[task.query_weight > 0]
    return float(np.mean([right[target == c].mean().item() for c in target.unique()]))


def roc_auc(scores: Tensor, task: Task) -> float:
    """Probability that a query of the second class scores above one of the first, ties by half."""
    from sklearn.metrics import roc_auc_score

    truth, positive = _binary(scores, task)
    return float("nan") if truth.all() or not truth.any() else float(roc_auc_score(truth, positive))


def auprc_gain(scores: Tensor, task: Task) -> float:
    """Average precision of the second class less its share of the queries (Stanley et al. 2021, FS-Mol)."""
    from sklearn.metrics import average_precision_score

    truth, positive = _binary(scores, task)
    return float("nan") if not truth.any() else float(average_precision_score(truth, positive) - truth.mean())


def spearman(values: Tensor, task: Task) -> float:
    """Rank correlation of predicted and true values, mean over the d outputs."""
    from scipy.stats import spearmanr

    asked = task.query_weight > 0
    pairs = zip(values[asked].double().T.cpu().numpy(), task.target[asked].double().T.cpu().numpy(), strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant predictions have no ranks: NaN, as `measure` promises
        return float(np.mean([spearmanr(*pair).statistic for pair in pairs]))


def absolute_error(values: Tensor, task: Task) -> float:
    """Mean absolute error, in the unit of the values."""
    asked = task.query_weight > 0
    return float((values[asked] - task.target[asked]).abs().double().mean())


def _binary(scores: Tensor, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Truth and margin of the second of two classes."""
    if scores.shape[-1] != 2:
        raise RecipeError(f"this metric is for tasks of two classes, got {scores.shape[-1]}: choose accuracy")
    asked = task.query_weight > 0
    return task.target[asked].cpu().numpy() == 1, (scores[asked, 1] - scores[asked, 0]).double().cpu().numpy()


METRICS: dict[str, Metric] = {
    "accuracy": Metric(lambda scores, task: float(task_metric(scores, task)), percent=True),
    "balanced accuracy": Metric(balanced_accuracy, percent=True),
    "roc auc": Metric(roc_auc),
    "auprc gain": Metric(auprc_gain),
    "squared error": Metric(lambda scores, task: float(task_metric(scores, task)), rises=False),
    "absolute error": Metric(absolute_error, rises=False),
    "spearman": Metric(spearman),
}


def metric(name: str) -> Metric:
    """Raises RecipeError where there is none of that name."""
    if name not in METRICS:
        raise RecipeError(f"unknown metric {name!r}{suggest(name, METRICS)}")
    return METRICS[name]
