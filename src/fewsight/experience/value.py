"""What is left of a meta-training, to trace predictions back to it? How its tasks pull, and how far they could."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from fewsight.errors import DataError
from fewsight.experience.bend import bend
from fewsight.experience.embedding import embed
from fewsight.experience.gradients import WIDTH, Weights, meta_gradient, sketch, trainable
from fewsight.learner import Learner
from fewsight.task import Task

BENDS = 7
"""Rows of each task's curvature that are sketched: with its gradient, eight sketches for a task."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The learner at one moment of its meta-training.

    Attributes:
        step: meta-steps taken.
        omega: the trained parameters by name.
    """

    step: int
    omega: Weights = field(repr=False)

    @classmethod
    def of(cls, learner: Learner, *, step: int = 0) -> Snapshot:
        """The learner as it is now."""
        return cls(step, {name: value.detach().clone() for name, value in trainable(learner).items()})


@dataclass(frozen=True, eq=False)
class Experience:
    """M recorded meta-training tasks of a learner.

    Attributes:
        names: of the tasks, `M`.
        reach: what the optimizer multiplied gradients by, summed over the steps, `(P,)`: how far a gradient of 1
            would have moved each number of omega. For gradient descent the sum of its rates.
        tasks: the tasks themselves, where they can be drawn again; None: only what is kept of them.
        embeddings: of the tasks under the trained learner, `(M, E)` float64 (see `embedding`).
        held_out: embeddings of tasks it was not trained on, `(V, E)`: they say how far away is ordinary.
        sketches: of the meta-gradient of each task and `BENDS` rows of its curvature, both at the trained omega and
            times the root of `reach`, `(M, 1 + BENDS, S)`; None where they were not asked for.
        witness: the first recorded task: whether a learner is the one recorded shows in its embedding.
        shape: of the tasks held out, in words.
        snapshots: the way of the learner through its training, in order.
    """

    names: tuple[str, ...]
    reach: Tensor = field(repr=False)
    tasks: tuple[Task, ...] | None
    embeddings: Tensor
    held_out: Tensor
    sketches: Tensor | None
    witness: Task
    shape: str = ""
    snapshots: tuple[Snapshot, ...] = ()

    @classmethod
    def of(
        cls,
        learner: Learner,
        tasks: Sequence[Task],
        held_out: Sequence[Task] = (),
        *,
        reach: Tensor | None = None,
        snapshots: Sequence[Snapshot] = (),
        names: Sequence[str] | None = None,
        sketched: bool = False,
    ) -> Experience:
        """The experience of a trained learner (in evaluation mode) with these meta-training tasks.

        Args:
            reach: default: 1, gradient descent with rates that add up to 1.
            sketched: keep sketches of how the tasks pull and bend, for when they can no longer be drawn.
        """
        if not tasks:
            raise DataError("an experience needs at least one meta-training task")
        omega = trainable(learner)
        size = sum(value.numel() for value in omega.values())
        reach = next(iter(omega.values())).new_ones(size) if reach is None else reach
        probe = tasks[0].query
        found = [embed(learner, task.support, probe) for task in tasks]
        apart = [embed(learner, task.support, probe) for task in held_out]
        return cls(
            names=tuple(names or (task.name or f"task {index}" for index, task in enumerate(tasks))),
            reach=reach,
            tasks=tuple(tasks),
            embeddings=torch.stack(found),
            held_out=torch.stack(apart) if apart else found[0].new_zeros(0, len(found[0])),
            sketches=sketches(learner, tasks, reach) if sketched else None,
            witness=tasks[0],
            shape=shape_of(held_out[0]) if held_out else "",
            snapshots=tuple(snapshots),
        )

    def without_tasks(self) -> Experience:
        """What a record holds: everything but the tasks."""
        return replace(self, tasks=None)

    @property
    def size(self) -> int:
        return len(self.names)


def sketches(
    learner: Learner, tasks: Iterable[Task], reach: Tensor, *, bends: int = BENDS, width: int = WIDTH
) -> Tensor:
    """How each task pulls and bends, `(M, 1 + bends, S)`; see `Experience`."""
    omega, found = trainable(learner), []
    for index, task in enumerate(tasks):
        pull = meta_gradient(learner, omega, task)
        rows = torch.cat([pull[None], bend(learner, omega, task, bends, seed=index)])
        found.append(sketch(rows * reach.to(rows).sqrt(), width=width))
    return torch.stack(found)


def shape_of(task: Task) -> str:
    """The form of a support set, in words."""
    support = task.support
    if support.ways is None:
        return f"{support.size} examples"
    counts = sorted(set(support.class_total[support.present].int().tolist()))
    shots = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{support.ways} ways, {shots} shots"
