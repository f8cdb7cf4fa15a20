"""How well does a learner do on tasks, one score each? Adapt, answer the queries, compare; and leave no trace."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

from fewsight import device
from fewsight.domains.episodes import generator
from fewsight.learner import Learner
from fewsight.metrics import METRICS, usual
from fewsight.task import Task


@contextmanager
def seeded(seed: int, *names: str | int) -> Iterator[None]:
    """PyTorch's global generators under the seed of that name; afterwards as they were."""
    with device.random_numbers(int(generator(seed, *names).integers(2**63))):
        yield


@contextmanager
def evaluating(learner: Learner) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every module is in the mode it was in."""
    modes = [(module, module.training) for module in learner.modules()]
    learner.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def task_scores(learner: Learner, tasks: Iterable[Task], metric: str | None = None) -> list[float]:
    """The metric of each task on which it is defined; default accuracy, or mean squared error."""
    place = device.of(learner)
    with evaluating(learner):
        found = [
            METRICS[metric or usual(task)].measure(learner.adapt(task.support)(task.query), task)
            for task in (task.to(device=place) for task in tasks)
        ]
    return [value for value in found if not math.isnan(value)] or [math.nan]
