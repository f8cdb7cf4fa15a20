"""When should a model say "none of these"? When a query belongs to no class by a threshold that keeps a promised rate.

Everything goes through the contract: a number is made of a model's scores, and of several such numbers the one is
taken that best told apart, on validation tasks, queries of the task's classes from queries of a class left out of its
support. The threshold is the conformal quantile of the former (Vovk et al. 2005; Angelopoulos and Bates 2021, section
1): of queries that do belong, at most the share `rate` is rejected, in the mean over tasks like those of the
calibration.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fewsight.domains import ClassDomain
from fewsight.domains.episodes import Episodes
from fewsight.errors import DataError, LearnerError, RecipeError
from fewsight.learner import Learner, Model
from fewsight.task import Support, Task
from fewsight.training.experiment import episodes
from fewsight.training.run import Run
from fewsight.training.scoring import evaluating
from fewsight.tree import Tree

RATE = 0.05
"""Share of queries that may be rejected wrongly, where nobody says otherwise."""

Measure = Callable[[Tensor], Tensor]
"""From scores `(Q, N)` to how much each query belongs, `(Q,)`."""


def _margin(scores: Tensor) -> Tensor:
    best = scores.topk(min(2, scores.shape[-1]), -1).values
    return best[..., 0] - best[..., -1]


MEASURES: dict[str, Measure] = {
    "top score": lambda scores: scores.amax(-1),
    "energy": lambda scores: scores.logsumexp(-1),
    "probability": lambda scores: scores.log_softmax(-1).amax(-1),
    "margin": _margin,
}
"""Top score: minus the distance to the nearest prototype, where scores are distances. Energy: Liu et al. 2020.
Probability: Hendrycks and Gimpel 2017."""


@dataclass(frozen=True)
class Rejection:
    """A calibrated "none of these".

    Attributes:
        measure: its name in `MEASURES`.
        threshold: a query that belongs less is rejected.
        rate: promised share of queries rejected wrongly.
        auroc: with which the measure told outsiders apart on the tasks of the calibration.
        queries: that the threshold was calibrated on.
    """

    measure: str
    threshold: float
    rate: float
    auroc: float
    queries: int

    def belonging(self, scores: Tensor) -> Tensor:
        """How much each query belongs, `(Q,)`, from scores `(Q, N)`."""
        return MEASURES[self.measure](scores)

    @torch.no_grad()
    def rejects(self, model: Model, query: Tree) -> Tensor:
        """Which queries are none of the model's classes, `(Q,)` bool."""
        return self.belonging(model(query)) < self.threshold


def calibrate(learner: Learner, episodes: Episodes, tasks: int = 200, rate: float = RATE) -> Rejection:
    """Choose measure and threshold on the first `tasks` of `episodes`.

    Args:
        episodes: classification tasks that the learner was not trained on, with one class more than those it is for:
            the last class of each is left out of the support, and its queries play the outsiders.
        rate: of queries that belong, the share that may be rejected.

    Raises:
        RecipeError: a rate outside (0, 1), or too few queries to promise it.
        LearnerError: tasks of values, or of two classes.
    """
    if not 0 < rate < 1:
        raise RecipeError(f"rate must lie between 0 and 1, got {rate}")
    inside: list[Tensor] = []
    outside: list[Tensor] = []
    with evaluating(learner):
        for index in range(tasks):
            scores, belongs = without_last_class(learner, episodes[index])
            inside.append(scores[belongs])
            outside.append(scores[~belongs])
    by_measure = {name: (_all(measure, inside), _all(measure, outside)) for name, measure in MEASURES.items()}
    told = {name: auroc(*values) for name, values in by_measure.items()}
    best = max(told, key=lambda name: told[name])
    threshold = quantile(by_measure[best][0], rate)
    return Rejection(best, threshold, rate, told[best], len(by_measure[best][0]))


def calibrated(
    run: Run, support: Support, rate: float = RATE, data: str | Path | None = None, tasks: int = 200
) -> Rejection:
    """The rejection for a task of a trained run: calibrated on its validation tasks of as many classes and one more,
    with as many examples of each as the smallest class of `support` has.

    Args:
        data: the data directory; the calibration needs what the run was trained on.

    Raises:
        DataError: the data is not there, or its validation split has too few classes or examples.
        RecipeError, LearnerError: see `calibrate`.
    """
    domain, recipe = run.domain(data), run.recipe
    if support.ways is None or not isinstance(domain, ClassDomain):
        raise LearnerError(
            f"{run.folder} knows tasks of fixed classes or of values, where no class can be left out to calibrate on: "
            "a query that is none of these can only be told by runs whose tasks are drawn from many classes"
        )
    given = support.y[support.weight > 0].bincount(minlength=support.ways)
    shape = recipe.test.model_copy(update={"ways": support.ways + 1, "shots": int(given.min())})
    try:
        drawn = episodes(recipe, domain, "val", shape)
    except DataError as error:
        raise DataError(f"calibrating needs one class more than the task has: {error}") from None
    return calibrate(run.learner(), drawn, tasks, rate)


def without_last_class(learner: Learner, task: Task) -> tuple[Tensor, Tensor]:
    """Scores `(Q, N - 1)` of all queries under a support without the last class, and which belong, `(Q,)` bool."""
    ways = task.support.ways
    if ways is None or ways < 3:
        raise LearnerError("calibrating a rejection needs classification tasks of three or more classes")
    known = task.support.take(task.support.y != ways - 1)
    asked = task.query_weight > 0
    scores = learner.adapt(known)(task.query)[asked, : ways - 1]
    return scores.double(), task.target[asked] != ways - 1


def quantile(values: np.ndarray, rate: float) -> float:
    """The largest threshold below which a further value falls with probability `rate` at most, if it is exchangeable
    with `values`: the k-th smallest, k = floor(rate (n + 1)).

    Raises:
        RecipeError: k would be 0.
    """
    place = math.floor(rate * (len(values) + 1) + 1e-9)
    if place < 1:
        raise RecipeError(
            f"{len(values)} queries cannot promise a false-rejection rate of {rate}: calibrate on more tasks"
        )
    return float(np.sort(values)[place - 1])


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """Probability that one that belongs scores above one that does not, ties by half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(np.repeat([1, 0], [len(inside), len(outside)]), np.concatenate([inside, outside])))


def _all(measure: Measure, scores: list[Tensor]) -> np.ndarray:
    return torch.cat([measure(each) for each in scores]).cpu().numpy()
