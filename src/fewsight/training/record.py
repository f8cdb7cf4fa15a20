"""What does a run keep so that predictions can be traced to the tasks it was trained on? A sample of them.

record/moment-000123.json   omega after step 123 and what Adam multiplied gradients by, with its tensors beside it
record/summary.json         numbers, embeddings and sketches of a sample of the tasks, and of held-out ones

Everything is a function of the training state and the seed, and is written by replacement: a run that was killed and
resumed has the same record, bit for bit. `record` parts cost 2 `record` times the size of omega on disk, and their 16
`record` tasks half a MiB times `record` for their sketches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor

from fewsight.domains.episodes import Episodes
from fewsight.errors import RunError
from fewsight.experience import Experience, Snapshot, trainable
from fewsight.learner import Learner
from fewsight.task import Support, Task
from fewsight.training import checkpoint
from fewsight.training.run import Run
from fewsight.training.state import Fit

SUMMARY = "summary.json"
TASKS = 16
"""Recorded tasks for each part."""
HELD_OUT = 200
"""Held-out tasks at most that say how far away from the recorded ones is ordinary."""


class Recorder:
    """Writes the record of one training.

    Args:
        count: the most parts of the training; what Adam did in each is read in its middle.
        rate: the learning rate of step n (from 0).
    """

    def __init__(self, run: Run, count: int, steps: int, meta_batch: int, rate: Callable[[int], float]) -> None:
        self.folder, self.steps, self.meta_batch, self.rate = run.folder / "record", steps, meta_batch, rate
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make {self.folder}: {error.strerror or error}") from error
        edges = [round(part * steps / min(count, steps)) for part in range(min(count, steps) + 1)]
        self.parts = {max(1, (start + stop) // 2): (start, stop) for start, stop in pairwise(edges)}

    def after(self, step: int, learner: Learner, optimizer: torch.optim.Adam) -> None:
        """Keep omega and what the optimizer multiplies gradients by if `step` is the middle of a part."""
        if step in self.parts:
            omega = trainable(learner)
            multiplied = [_multiplier(optimizer, parameter).reshape(-1) for parameter in omega.values()]
            checkpoint.save(_path(self.folder, step), {"omega": omega, "multiplier": torch.cat(multiplied)})

    def finish(self, learner: Learner, train: Episodes, held_out: Episodes | None, now: Fit) -> None:
        """Summarise, once, the tasks up to the step whose weights the learner (in evaluation mode) ended with."""
        if (self.folder / SUMMARY).exists():
            return
        until = now.best_step or now.step
        reach = torch.zeros(sum(value.numel() for value in trainable(learner).values()))
        met_at = []
        for step, (start, stop) in self.parts.items():
            if start < until and _path(self.folder, step).exists():
                met_at.append(step)
                rate = sum(self.rate(n) for n in range(start, min(stop, until)))
                reach += rate * checkpoint.load(_path(self.folder, step))["multiplier"]
        met = until * self.meta_batch
        wanted = min(TASKS * len(self.parts), met)
        indices = [(2 * i + 1) * met // (2 * wanted) for i in range(wanted)]
        tasks = [train[index] for index in indices]
        apart = held_out or replace(train, name=f"{train.name}, held out")
        short = [shorten(task.name, 60, placeholder=" ...") or "task" for task in tasks]
        names = [f"{name} (episode {index})" for index, name in zip(indices, short, strict=True)]
        found = Experience.of(
            learner,
            tasks,
            apart.batch(0, HELD_OUT),
            reach=reach,
            names=names,
            sketched=True,
        )
        kept = ("names", "reach", "embeddings", "held_out", "sketches", "shape")
        record = {name: getattr(found, name) for name in kept}
        record |= {"indices": indices, "moments": met_at, "witness": _plain(found.witness)}
        checkpoint.save(self.folder / SUMMARY, record)


def experience(run: Run, train: Episodes | None = None) -> Experience:
    """What `run` recorded of its meta-training.

    Args:
        train: the training tasks, where their data is at hand; some explanations need them.

    Raises:
        RunError: nothing was recorded, or the training has not ended.
    """
    path = run.folder / "record" / SUMMARY
    if not path.exists():
        raise RunError(f"{run.folder} has no record of its tasks: train with record=8 (in a recipe: [training] record)")
    kept = checkpoint.load(path)
    return Experience(
        names=tuple(kept["names"]),
        reach=kept["reach"],
        tasks=None if train is None else tuple(train[index] for index in kept["indices"]),
        embeddings=kept["embeddings"],
        held_out=kept["held_out"],
        sketches=kept["sketches"],
        witness=_task(kept["witness"]),
        shape=kept["shape"],
        snapshots=tuple(Snapshot(s, checkpoint.load(_path(path.parent, s))["omega"]) for s in kept["moments"]),
    )


def recorded(run: Run) -> Experience | None:
    """The record of `run` from its sketches, without any data; None where nothing was recorded."""
    return experience(run) if (run.folder / "record" / SUMMARY).exists() else None


def _path(folder: Path, step: int) -> Path:
    return folder / f"moment-{step:06d}.json"


def _multiplier(optimizer: torch.optim.Adam, parameter: Tensor) -> Tensor:
    """1 / (sqrt(v) + eps) of Adam with the bias of v corrected (Kingma & Ba 2015, algorithm 1); 0 where it had none.

    Below 1 % of their mean, roots count as that much: a coordinate that never had a gradient (a ReLU that no task
    reached) would outweigh all others without bound, while Adam itself would learn its size with the first one.
    """
    state, (group,) = optimizer.state.get(parameter), optimizer.param_groups
    if not state:
        return torch.zeros_like(parameter)
    moment = state["exp_avg_sq"] / (1 - group["betas"][1] ** float(state["step"]))
    root = moment.sqrt()
    return 1 / (root.clamp(min=0.01 * float(root.mean())) + group["eps"])


def _plain(task: Task) -> dict[str, Any]:
    support = task.support
    given = {"x": support.x, "y": support.y, "weight": support.weight, "reference": support.reference}
    return given | {"ways": support.ways, "query": task.query, "target": task.target, "name": task.name}


def _task(plain: dict[str, Any]) -> Task:
    support = Support(*(plain[name] for name in ("x", "y", "weight", "reference", "ways")))
    return Task(support, plain["query"], plain["target"], name=plain["name"])
