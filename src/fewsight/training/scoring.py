"""How well does a learner do on tasks, one score each? Adapt, answer the queries, compare; and leave no trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

from fewsight.domains.episodes import generator
from fewsight.learner import Learner, task_metric
from fewsight.task import Task


def metric_name(task: Task) -> str:
    """What `task_metric` measures on tasks of this kind."""
    return "squared error" if task.target.is_floating_point() else "accuracy"


def shown(metric: str, value: float) -> str:
    """An accuracy in percent, a squared error as it is."""
    return f"{100 * value:.1f} %" if metric == "accuracy" else f"{value:.4f}"


def better(metric: str, value: float, other: float) -> bool:
    """Whether `value` is the better score."""
    return value > other if metric == "accuracy" else value < other


@contextmanager
def seeded(seed: int, *names: str | int) -> Iterator[None]:
    """PyTorch's global generator (of the CPU) under the seed of that name; afterwards as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(generator(seed, *names).integers(2**63)))
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


def task_scores(learner: Learner, tasks: Iterable[Task]) -> list[float]:
    """Accuracy, or mean squared error, of each task."""
    with evaluating(learner):
        return [float(task_metric(learner.adapt(task.support)(task.query), task)) for task in tasks]
