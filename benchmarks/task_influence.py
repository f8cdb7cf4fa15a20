"""Do task influences predict what meta-training on other tasks gives? Against training again, many times.

    python benchmarks/task_influence.py [--retrainings 40] [--steps 300] [--write benchmarks/task_influence.md]

MAML (one inner step) on a perceptron 1-20-20-1 and 40 sine waves, full meta-batches, Adam. The linear datamodelling
score is the rank correlation, over random halves of the training tasks, of the summed influences of a half with what
the learner trained on it alone really answers (Park et al., "TRAK", 2023). Then 8 of the 40 waves are corrupted, and
influences on clean tasks shall find them: by queries whose answers have the wrong sign, or, harder, by noise instead of
a wave, which teaches nothing but is not always harmful.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from fewsight.domains import Episodes, generator, open_domain
from fewsight.experience import Experience, Snapshot
from fewsight.explain.case import Case
from fewsight.explain.statistics import mean_interval, rank_correlation
from fewsight.explain.target import squared_error
from fewsight.explain.task_influence import task_influence, task_newton
from fewsight.explain.task_map import task_similarity
from fewsight.learners import MAML
from fewsight.networks import MLP
from fewsight.task import Support, Task
from fewsight.training import Run, fit
from fewsight.training.record import experience as recorded

TASKS, BAD, ASKED, QUERIES, SNAPSHOTS = 40, 8, 12, 2, 10
SINES = open_domain("sinusoid").family("train", ways=1, shots=10, queries=10)


@dataclass(frozen=True)
class Listed(Episodes):
    """Given tasks, over and over."""

    tasks: tuple[Task, ...] = ()

    def __getitem__(self, index: int) -> Task:
        return self.tasks[index % len(self.tasks)]


def trained(tasks: Sequence[Task], steps: int, run: Run | None = None) -> MAML:
    """Always from the same start, every step on all tasks."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = MAML(MLP([1, 20, 20], "tanh"), head=1, features=20, inner_steps=1, inner_lr=0.02)
    fit(
        learner, Listed(SINES, 0, "listed", tuple(tasks)), steps=steps, meta_batch=len(tasks), lr=3e-3,
        strategy="trace", record=SNAPSHOTS if run else 0, run=run, progress=False,
    )  # fmt: skip
    return learner


def with_experience(tasks: Sequence[Task], steps: int) -> tuple[MAML, Experience]:
    """Omega has 501 numbers, so that the sketches are the gradients themselves."""
    with TemporaryDirectory() as folder:
        run = Run.create(Path(folder) / "run")
        learner = trained(tasks, steps, run)
        return learner, Experience.of(learner, tasks, snapshots=recorded(run).snapshots, sketched=True)


def cases(learner: MAML, asked: Sequence[Task]) -> list[Case]:
    """The squared error of single queries."""
    return [
        Case(learner, task.support, task.query[q : q + 1], squared_error(task.target[q]), ("",) * task.support.size)
        for task in asked
        for q in range(QUERIES)
    ]


def answers(learner: MAML, asked: Sequence[Task]) -> np.ndarray:
    with torch.no_grad():
        each = [(learner(t.support, t.query) - t.target).square()[:QUERIES, 0] for t in asked]
    return torch.cat(each).double().numpy()


def methods(learner: MAML, experience: Experience) -> dict[str, Callable[[Case], np.ndarray]]:
    plain = [replace(s, scale=torch.ones_like(s.scale)) for s in experience.snapshots]
    unscaled = Experience.of(learner, experience.tasks or (), snapshots=plain, sketched=True).without_tasks()
    last = Experience.of(learner, experience.tasks or (), snapshots=[Snapshot.of(learner)], sketched=True)
    left, random = experience.without_tasks(), generator(0, "random influences")
    return {
        f"first order, {SNAPSHOTS} snapshots": lambda case: task_influence(case, left).values,
        "the same without Adam's scale": lambda case: task_influence(case, unscaled).values,
        "first order, last weights alone": lambda case: task_influence(case, last.without_tasks()).values,
        "Gauss-Newton, damping 0.1": lambda case: task_newton(case, experience).values,
        "Gauss-Newton, damping 1": lambda case: task_newton(case, experience, damping=1.0).values,
        "task similarity (like tasks lower the error)": lambda case: -task_similarity(case, experience).values,
        "random": lambda case: random.normal(size=experience.size),
    }


def scores(retrainings: int, steps: int) -> dict[str, np.ndarray]:
    """The linear datamodelling score of each method on each asked task, `(ASKED,)`."""
    tasks = Episodes(SINES, 0, "train").batch(0, TASKS)
    asked = Episodes(SINES, 0, "test").batch(0, ASKED)
    draw = generator(0, "halves")
    halves = np.array([draw.permutation(TASKS) < TASKS // 2 for _ in range(retrainings)])
    truth = np.array([answers(trained([tasks[i] for i in np.flatnonzero(half)], steps), asked) for half in halves])
    learner, experience = with_experience(tasks, steps)
    found = {}
    for name, method in methods(learner, experience).items():
        each = [rank_correlation(halves @ method(c), truth[:, q]) for q, c in enumerate(cases(learner, asked))]
        found[name] = np.array(each).reshape(ASKED, QUERIES).mean(1)
    return found


def detection(seeds: int, steps: int) -> dict[str, np.ndarray]:
    """AUC of finding `BAD` corrupted training waves by corruption and method, `(seeds,)`."""
    found: dict[str, list[float]] = {}
    for (corruption, corrupt), seed in product(CORRUPTIONS.items(), range(seeds)):
        tasks, draw = Episodes(SINES, 100 + seed, "train").batch(0, TASKS), generator(seed, "corruption")
        bad = draw.permutation(TASKS) < BAD
        tasks = [corrupt(task, draw) if is_bad else task for task, is_bad in zip(tasks, bad, strict=True)]
        learner, experience = with_experience(tasks, steps)
        asking = cases(learner, Episodes(SINES, 100 + seed, "val").batch(0, ASKED))
        for name, method in methods(learner, experience).items():
            if "damping 1" not in name:
                summed = sum(method(case) for case in asking[:: 4 if "Newton" in name else 1])
                found.setdefault(f"{corruption}: {name}", []).append(roc_auc_score(bad, summed))
    return {name: np.array(values) for name, values in found.items()}


def flipped(task: Task, draw: np.random.Generator) -> Task:
    return replace(task, target=-task.target)


def noise(task: Task, draw: np.random.Generator) -> Task:
    y = torch.from_numpy(draw.uniform(-5, 5, (20, 1))).float()
    return replace(task, support=Support.of(task.support.x, y[:10]), target=y[10:])


CORRUPTIONS = {"wrong signs": flipped, "noise": noise}


def row(name: str, values: np.ndarray) -> str:
    mean, interval = mean_interval(values)
    low, high = interval or (float("nan"), float("nan"))
    return f"| {name} | {mean:.3f} | {low:.3f} to {high:.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--retrainings", type=int, default=40)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--write", type=Path, help="write the tables to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    lds = scores(arguments.retrainings, arguments.steps)
    auc = detection(arguments.seeds, arguments.steps)
    minutes = (time.perf_counter() - started) / 60
    lines = [
        f"MAML, perceptron 1-20-20-1 (tanh), {TASKS} sine waves, {arguments.steps} full-batch steps of Adam. Target: "
        f"the squared error of a query. {ASKED} unseen waves, {QUERIES} queries each; 95 % intervals over waves. "
        f"{arguments.retrainings} meta-trainings on random halves of the tasks.",
        "",
        "| influence of a training task | linear datamodelling score | 95 % |",
        "|---|---:|---:|",
        *(row(name, values) for name, values in lds.items()),
        "",
        f"{BAD} of the {TASKS} training waves corrupted, {arguments.seeds} seeds; 95 % intervals over seeds (t, not "
        "cut at 1). Gauss-Newton sums a quarter of the queries that the others do.",
        "",
        "| summed influence on the error of clean waves | AUC of the bad tasks | 95 % |",
        "|---|---:|---:|",
        *(row(name, values) for name, values in auc.items()),
        "",
        f"Command: `python benchmarks/task_influence.py --retrainings {arguments.retrainings} "
        f"--steps {arguments.steps} --seeds {arguments.seeds}`, {minutes:.0f} minutes on one thread.",
    ]
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
