"""How do the learners do on sine waves, beside each other? One table and one figure, on the same tasks.

    for n in maml meta-sgd anil imaml ridge in-context; do fewsight train sinusoid-$n --out runs/sinusoid-$n; done
    python benchmarks/sinusoid.py runs/sinusoid-* [--figure docs/sinusoid.png]

600 test tasks of the MAML paper's family, 5 shots, 100 queries: mean squared error with its 95 % interval; the figure
shows the first four tasks. Needs the extra `plot`. Seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from tables import plus_minus
from torch import Tensor

from fewsight.learner import Learner, task_metric
from fewsight.task import Task
from fewsight.training import Run
from fewsight.training.experiment import episodes

TASKS, SHOWN = 600, 4


def tasks(run: Run) -> list[Task]:
    drawn = episodes(run.recipe, run.domain(None), "test", run.recipe.test)
    return [drawn[index] for index in range(TASKS)]


def errors(learner: Learner, drawn: list[Task]) -> np.ndarray:
    with torch.no_grad():
        return np.array([float(task_metric(learner(task.support, task.query), task)) for task in drawn])


def draw(learners: dict[str, Learner], drawn: list[Task], path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, SHOWN, figsize=(10, 2.8), sharey=True, layout="constrained")
    x = torch.linspace(-5, 5, 200)[:, None]
    for axis, task in zip(axes, drawn[:SHOWN], strict=True):
        order = task.query[:, 0].argsort()
        axis.plot(
            *_line(task.query[order], task.target[order]), color="black", linewidth=2.5, alpha=0.25, label="truth"
        )
        for number, (name, learner) in enumerate(learners.items()):
            with torch.no_grad():
                axis.plot(*_line(x, learner(task.support, x)), linewidth=1, color=f"C{number}", label=name)
        axis.scatter(*_line(task.support.x, task.support.y), color="black", s=18, zorder=3, label="5 examples")
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=len(learners) + 2)
    figure.savefig(path, dpi=110)


def _line(x: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
    return x[:, 0].numpy(), y[:, 0].numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--figure", type=Path, help="write the figure to this file")
    arguments = parser.parse_args()
    runs = {run.recipe.learner.name: run for run in map(Run.open, arguments.runs)}
    learners = {name: run.learner() for name, run in runs.items()}
    drawn = tasks(next(iter(runs.values())))
    found = {name: errors(learner, drawn) for name, learner in learners.items()}
    print("| | mean squared error | median | diverged, left out |\n|---|---:|---:|---:|")
    for name in sorted(found, key=lambda name: np.nanmean(found[name])):
        median, lost = np.nanmedian(found[name]), np.isnan(found[name]).sum()
        print(f"| {name} | {plus_minus(found[name], 3)} | {median:.3f} | {lost} |")
    if arguments.figure:
        draw(learners, drawn, arguments.figure)


if __name__ == "__main__":
    main()
