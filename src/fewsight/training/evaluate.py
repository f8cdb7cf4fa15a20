"""How good is a learner, honestly? Its mean score over many tasks, beside simple methods on the very same tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from statistics import fmean
from typing import Any

import numpy as np
import torch

from fewsight import device
from fewsight.baselines import Baseline, defaults
from fewsight.domains.episodes import Episodes, generator, prefetch
from fewsight.errors import LearnerError, RecipeError
from fewsight.learner import Learner
from fewsight.metrics import metric, usual
from fewsight.task import Task
from fewsight.training.report import LEARNER, UNADAPTED, Report
from fewsight.training.scoring import evaluating, seeded, task_scores
from fewsight.training.statistics import calibration_error

ORDER_TASKS, ORDERS = 20, 6
"""Label-order variance is measured on the first so many tasks, with so many orders of the classes each."""


def evaluate(
    learner: Learner,
    episodes: Episodes,
    tasks: int = 600,
    *,
    baselines: Mapping[str, Baseline] | None = None,
    metrics: Sequence[str] = (),
    protocol: Mapping[str, Any] | None = None,
) -> Report:
    """Test `learner` on the first `tasks` of `episodes`; it is left exactly as it was.

    Args:
        tasks: number of tasks, at least 2.
        baselines: simple methods to score on the same tasks, beside the un-adapted learner; default those of
            `fewsight.baselines`, {} for none.
        metrics: names in `fewsight.metrics`, the main one first; default accuracy, or squared error.
        protocol: what else a reader must know to compare; added to the protocol that is measured here.

    Raises:
        RecipeError: fewer than 2 tasks, or an unknown metric.
        LearnerError: the learner gives NaN, or cannot learn such tasks.
    """
    if tasks < 2:
        raise RecipeError(f"a mean with an interval needs at least 2 tasks, got {tasks}")
    for name in metrics:
        metric(name)  # an unknown one is an error before the work
    methods = defaults() if baselines is None else baselines
    measured: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in metrics}
    confidence: list[np.ndarray] = []
    correct: list[np.ndarray] = []
    shapes: dict[str, set[int]] = defaultdict(set)
    names: list[str] = []
    place = device.of(learner)
    with evaluating(learner), seeded(episodes.seed, "evaluate"):
        for task in chain.from_iterable(prefetch(episodes, 0, tasks, 4)):
            there = task.to(device=place)
            answer = learner.adapt(there.support)(there.query).cpu()
            if not bool(torch.isfinite(answer).all()):
                raise LearnerError(
                    f"the learner answers task {task.name!r} with NaN: its weights are unusable, train again"
                )
            names.append(task.name)
            if not measured:
                measured = {usual(task): defaultdict(list)}
            _note_shape(task, shapes)
            if task.support.ways is not None:
                asked = task.query_weight > 0
                surest, chosen = answer.softmax(-1)[asked].max(-1)
                confidence.append(surest.double().numpy())
                correct.append((chosen == task.target[asked]).double().numpy())
            untouched = learner.trace(there.support).models()[0]
            answers = {LEARNER: answer, UNADAPTED: untouched(there.query).cpu()}
            answers |= {name: given for name, method in methods.items() if (given := method(task)) is not None}
            for key, scores in measured.items():
                for name, given in answers.items():
                    scores[name].append(metric(key).measure(given, task))
        order_sd = _label_order_sd(learner, episodes, min(tasks, ORDER_TASKS)) if confidence else None
    return Report(
        scores={key: {name: np.array(values) for name, values in scores.items()} for key, scores in measured.items()},
        tasks=tuple(names),
        calibration_error=calibration_error(np.concatenate(confidence), np.concatenate(correct))
        if confidence
        else None,
        label_order_sd=order_sd,
        protocol={name: _spread(sizes) for name, sizes in shapes.items()}
        | {"tasks": tasks, "split": episodes.name, "seed": episodes.seed, "transductive": learner.transductive}
        | dict(protocol or {}),
        notes=("no baseline applies to inputs of this kind",) if methods and len(answers) == 2 else (),
    )


def _label_order_sd(learner: Learner, episodes: Episodes, tasks: int) -> float:
    """Standard deviation of accuracy over orders of the classes, mean over tasks."""
    spread = []
    for index in range(tasks):
        task, rng = episodes[index], generator(episodes.seed, "label order", index)
        assert task.support.ways is not None
        orders = (renumbered(task, torch.from_numpy(rng.permutation(task.support.ways))) for _ in range(ORDERS))
        spread.append(float(np.std(task_scores(learner, orders), ddof=1)))
    return fmean(spread)


def renumbered(task: Task, order: torch.Tensor) -> Task:
    """The same task with class c called `order[c]`; `(N,)` int64."""
    support, names = task.support, task.support.labels
    labels = None if names is None else tuple(names[old] for old in order.argsort().tolist())
    return replace(task, support=replace(support, y=order[support.y], labels=labels), target=order[task.target])


def _note_shape(task: Task, shapes: dict[str, set[int]]) -> None:
    """Add the ways, shots and queries of `task`; in classification the latter two count each class."""
    ways = task.support.ways
    given, asked = task.support.weight > 0, task.query_weight > 0
    if ways is None:
        shapes["shots"].add(int(given.sum()))
        shapes["queries"].add(int(asked.sum()))
    else:
        shapes["ways"].add(ways)
        shapes["shots per class"].update(torch.bincount(task.support.y[given], minlength=ways).tolist())
        shapes["queries per class"].update(torch.bincount(task.target[asked], minlength=ways).tolist())


def _spread(sizes: Iterable[int]) -> int | str:
    low, high = min(sizes), max(sizes)
    return low if low == high else f"{low} to {high}"
