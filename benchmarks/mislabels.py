"""Is a wrong label in the support set found? One label of 25 is flipped, and rankings say which one it was.

    python benchmarks/mislabels.py RUN [RUN ...] [--data DIR] [--tasks 200] [--write benchmarks/mislabels.md]

Tasks of the test classes, 5-way 5-shot; the example and its wrong label are drawn at random. AUC: the chance that the
flipped example stands above an unflipped one of its task. First: the share of tasks in which it stands above all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tables import plus_minus, runs_parser

from fewsight.domains.episodes import generator
from fewsight.explain.case import Case
from fewsight.explain.mislabels import distance_from_class, left_out_loss, own_loss
from fewsight.explain.target import value
from fewsight.task import Task
from fewsight.training import Run
from fewsight.training.experiment import episodes

WAYS, SHOTS = 5, 5


def rankings(case: Case) -> dict[str, np.ndarray]:
    without, own = left_out_loss(case), own_loss(case)
    return {
        "self-influence (loss without it - loss with it)": without - own,
        "loss without it": without,
        "baseline: highest own loss": own,
        "baseline: farthest from its class mean": distance_from_class(case),
    }


def flipped(task: Task, rng: np.random.Generator) -> tuple[Task, int]:
    """The task with one label wrong, and which one."""
    which = int(rng.integers(task.support.size))
    y = task.support.y.clone()
    y[which] = (y[which] + int(rng.integers(1, WAYS))) % WAYS
    return replace(task, support=replace(task.support, y=y)), which


def figures(run: Run, data: Path | None, tasks: int, say: Callable[[str], None]) -> dict[str, np.ndarray]:
    """For each ranking AUC and first place in each task, `(tasks, 2)`."""
    recipe, learner = run.recipe, run.learner()
    shape = recipe.test.model_copy(update={"ways": WAYS, "shots": SHOTS, "queries": 1})
    drawn = episodes(recipe, run.domain(data), "test", shape)
    found = defaultdict(list)
    for index in range(tasks):
        task, which = flipped(drawn[index], generator(recipe.training.seed, "flipped label", index))
        names = tuple(f"support {i}" for i in range(task.support.size))
        # The query plays no part.
        case = Case(learner, task.support, task.query[:1], value(0), names)
        for name, suspicion in rankings(case).items():
            others = np.delete(suspicion, which)
            ahead = (others < suspicion[which]) + 0.5 * (others == suspicion[which])
            found[name].append((ahead.mean(), float((others < suspicion[which]).all())))
        if index % 20 == 19:
            say(f"{run.folder.name}: {index + 1} of {tasks} tasks")
    return {name: np.array(pairs) for name, pairs in found.items()}


def main() -> None:
    arguments = runs_parser(__doc__, 200).parse_args()
    torch.set_num_threads(1)
    lines = [
        f"{WAYS}-way {SHOTS}-shot, one label flipped, {arguments.tasks} tasks of the test classes; 95 % intervals.",
        "",
        "| run | ranking | AUC | flipped example ranked first, % |",
        "|---|---|---:|---:|",
    ]
    for folder in arguments.runs:
        run = Run.open(folder)
        for name, pairs in figures(run, arguments.data, arguments.tasks, lambda text: print(text, flush=True)).items():
            auc, first = plus_minus(pairs[:, 0], 4), plus_minus(100 * pairs[:, 1], 1)
            lines.append(f"| {run.recipe.name} | {name} | {auc} | {first} |")
    print(table := "\n".join(lines))
    if arguments.write:
        arguments.write.write_text(table + "\n")


if __name__ == "__main__":
    main()
