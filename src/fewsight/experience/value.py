"""What is left of a meta-training, to trace predictions back to it? Snapshots, tasks, and what they taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from fewsight.errors import DataError
from fewsight.experience.embedding import embed
from fewsight.experience.gradients import Weights, meta_gradient, sketch, trainable
from fewsight.learner import Learner
from fewsight.task import Task


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The learner at one moment of its meta-training, standing for the steps around it.

    Attributes:
        step: meta-steps taken.
        progress: the share of all steps that is.
        rate: the sum of the learning rates of the steps it stands for.
        omega: the trained parameters by name.
        scale: the root of what the optimizer multiplied gradients by, `(P,)`: 1 for gradient descent,
            1 / sqrt(sqrt(second moment) + eps) for Adam.
    """

    step: int
    progress: float
    rate: float
    omega: Weights = field(repr=False)
    scale: Tensor = field(repr=False)

    @classmethod
    def of(cls, learner: Learner, *, step: int = 0, progress: float = 1.0, rate: float = 1.0) -> Snapshot:
        """The learner as it is now, as if trained by gradient descent."""
        omega = {name: value.detach().clone() for name, value in trainable(learner).items()}
        size = sum(value.numel() for value in omega.values())
        return cls(step, progress, rate, omega, torch.ones(size, dtype=next(iter(omega.values())).dtype))

    def pull(self, learner: Learner, task: Task) -> Tensor:
        """The scaled meta-gradient of a task here, `(P,)`."""
        return self.scaled(meta_gradient(learner, self.omega, task, self.progress))

    def scaled(self, gradient: Tensor) -> Tensor:
        """A gradient so that the inner product of two is the effect of the optimizer's step along one on the other."""
        return gradient * self.scale.to(gradient)


@dataclass(frozen=True, eq=False)
class Experience:
    """M recorded meta-training tasks and T snapshots of a learner.

    Attributes:
        names: of the tasks, `M`.
        snapshots: in the order of training, `T`.
        tasks: the tasks themselves, where they can be drawn again; None: only what is kept of them.
        embeddings: of the tasks under the trained learner, `(M, E)` float64 (see `embedding`).
        held_out: embeddings of tasks it was not trained on, `(V, E)`: they say how far away is ordinary.
        sketches: of the scaled meta-gradients, `(T, M, S)`; None where they were not asked for.
        witness: the first recorded task: whether a learner is the one recorded shows in its embedding.
        shape: of the tasks held out, in words.
    """

    names: tuple[str, ...]
    snapshots: tuple[Snapshot, ...]
    tasks: tuple[Task, ...] | None
    embeddings: Tensor
    held_out: Tensor
    sketches: Tensor | None
    witness: Task
    shape: str = ""

    @classmethod
    def of(
        cls,
        learner: Learner,
        tasks: Sequence[Task],
        held_out: Sequence[Task] = (),
        *,
        snapshots: Sequence[Snapshot] = (),
        names: Sequence[str] | None = None,
        sketched: bool = False,
    ) -> Experience:
        """The experience of a trained learner (in evaluation mode) with these meta-training tasks.

        Args:
            snapshots: default: the learner as it is, alone.
            sketched: keep sketches of the meta-gradients, for when the tasks can no longer be drawn.
        """
        if not tasks:
            raise DataError("an experience needs at least one meta-training task")
        snapshots = tuple(snapshots) or (Snapshot.of(learner),)
        probe = tasks[0].query
        found = [embed(learner, task.support, probe) for task in tasks]
        apart = [embed(learner, task.support, probe) for task in held_out]
        pulls = [torch.stack([sketch(s.pull(learner, task)) for task in tasks]) for s in snapshots] if sketched else []
        return cls(
            names=tuple(names or (task.name or f"task {index}" for index, task in enumerate(tasks))),
            snapshots=snapshots,
            tasks=tuple(tasks),
            embeddings=torch.stack(found),
            held_out=torch.stack(apart) if apart else found[0].new_zeros(0, len(found[0])),
            sketches=torch.stack(pulls) if sketched else None,
            witness=tasks[0],
            shape=shape_of(held_out[0]) if held_out else "",
        )

    def without_tasks(self) -> Experience:
        """What a record holds: everything but the tasks."""
        return replace(self, tasks=None)

    @property
    def size(self) -> int:
        return len(self.names)


def shape_of(task: Task) -> str:
    """The form of a support set, in words."""
    support = task.support
    if support.ways is None:
        return f"{support.size} examples"
    counts = sorted(set(support.class_total[support.present].int().tolist()))
    shots = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{support.ways} ways, {shots} shots"
