"""Do task influences predict what meta-training on other tasks gives, and find bad tasks? Against training again.

    python benchmarks/task_influence.py [--sets 5] [--seeds 8] [--write benchmarks/task_influence.md]

MAML (one inner step) on a perceptron 1-20-20-1 (tanh after the first layer) and 40 sine waves, full meta-batches, Adam.
The linear datamodelling score is the rank correlation, over random halves of the training tasks, of the summed
influences of a half with what the learner trained on it alone really answers (Park et al., "TRAK", 2023). Then 8 of the
40 waves are corrupted, and influences on the error of clean waves shall find them: by queries whose answers have the
wrong sign, or by noise instead of a wave. What was chosen was chosen on sets 0 and 10 and on seeds 100 to 103; the
figures are of others.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.func import jacrev, vmap

from fewsight.domains import Episodes, generator, open_domain
from fewsight.experience import Experience, sketch, sketches, trainable
from fewsight.experience.gradients import Weights, at
from fewsight.explain.case import Case
from fewsight.explain.statistics import mean_interval, rank_correlation
from fewsight.explain.target import squared_error
from fewsight.explain.task_influence import task_influence, task_newton
from fewsight.explain.task_map import task_similarity
from fewsight.learner import example_losses
from fewsight.learners import MAML
from fewsight.networks import MLP
from fewsight.task import Support, Task, stack
from fewsight.training import Run, checkpoint, fit
from fewsight.training.record import experience as recorded

TASKS, BAD, PARTS, QUERIES, RATE = 40, 8, 10, 2, 3e-3
ASKED, CLEAN, FEW = 24, 200, 12
"""Waves asked in the first table; clean waves that all queries (or two queries of the few first) are summed of."""
FRESH_SETS, FRESH_SEEDS = 30, 300
SINES = open_domain("sinusoid").family("train", ways=1, shots=10, queries=10)


@dataclass(frozen=True)
class Listed(Episodes):
    """Given tasks, over and over."""

    tasks: tuple[Task, ...] = ()

    def __getitem__(self, index: int) -> Task:
        return self.tasks[index % len(self.tasks)]


def untrained() -> MAML:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MAML(MLP([1, 20, 20], "tanh"), head=1, features=20, inner_steps=1, inner_lr=0.02)


@dataclass
class Trained:
    """A learner, its record, and its weights with Adam's multiplier and the sum of rates in the middle of each part."""

    learner: MAML
    tasks: list[Task]
    experience: Experience
    snapshots: list[tuple[Weights, Tensor, float]]

    @classmethod
    def on(cls, tasks: list[Task], steps: int) -> Trained:
        learner, seen = untrained(), {}
        part = steps // PARTS

        def watch(step: int, result: object) -> None:
            seen[step] = {name: value.detach().clone() for name, value in trainable(learner).items()}

        with TemporaryDirectory() as folder:
            run = Run.create(Path(folder) / "run")
            given = Listed(SINES, 0, "listed", tuple(tasks))
            fit(
                learner, given, steps=steps, meta_batch=len(tasks), lr=RATE, strategy="trace", record=PARTS, run=run,
                progress=False, on_step=watch,
            )  # fmt: skip
            snapshots = []
            for step in range(part // 2, steps, part):
                multiplier = checkpoint.load(run.folder / "record" / f"multiplier-{step:06d}.json")["multiplier"]
                rate = sum(cosine(n, steps) for n in range(step - part // 2, step - part // 2 + part))
                snapshots.append((seen[step], multiplier.double(), rate))
            found = Experience.of(learner, tasks, reach=recorded(run).reach, sketched=True)
        return cls(learner, tasks, found, snapshots)


def cosine(step: int, steps: int) -> float:
    return RATE * 0.5 * (1 + math.cos(math.pi * step / steps))


def errors(learner: MAML, omega: Weights, tasks: Task) -> Tensor:
    """Squared errors `(N, Q)` of stacked tasks."""

    def one(task: Task) -> Tensor:
        return at(learner, omega, lambda learner: example_losses(learner(task.support, task.query), task.target))

    return vmap(one)(tasks)


def retrained(tasks: list[Task], kept: np.ndarray, steps: int) -> Weights:
    """As `fit` does, once for each row of `kept` `(R, M)` on the tasks it keeps; omega `(R, ...)`, all at once."""
    learner, given, weight = untrained(), stack(tasks), torch.from_numpy(kept / kept.sum(1, keepdims=True)).float()
    omega = {n: v.detach().repeat(len(kept), *[1] * v.dim()).requires_grad_() for n, v in trainable(learner).items()}
    optimizer = torch.optim.Adam(omega.values(), lr=RATE)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = cosine(step, steps)
        optimizer.zero_grad()
        losses = vmap(lambda omega: errors(learner, omega, given).mean(1))(omega)
        (losses * weight).sum().backward()
        length = torch.cat([v.grad.flatten(1) for v in omega.values()], 1).norm(dim=1)
        for value in omega.values():
            value.grad.mul_((10 / length).clamp(max=1).view(-1, *[1] * (value.dim() - 1)))
        optimizer.step()
    return {name: value.detach() for name, value in omega.items()}


def slopes(learner: MAML, omega: Weights, tasks: Sequence[Task]) -> Tensor:
    """The derivative of each query's squared error in omega, `(N, Q, P)` float64."""
    found = vmap(jacrev(lambda omega, task: errors(learner, omega, stack([task]))[0]), (None, 0))(omega, stack(tasks))
    return torch.cat([value.detach().flatten(2) for value in found.values()], 2).double()


def influences(trained: Trained, of: list[Task], queries: int, summed: bool) -> dict[str, np.ndarray]:
    """Values `(N * queries, M)`, or their mean over all `(1, M)`, of every method."""
    learner, tasks, reach = trained.learner, trained.tasks, trained.experience.reach.double()
    last = trainable(learner)

    def asked(omega: Weights) -> Tensor:
        found = slopes(learner, omega, of)[:, :queries].flatten(0, 1)
        return found.mean(0, keepdim=True) if summed else found

    def pulls(omega: Weights) -> Tensor:
        return slopes(learner, omega, tasks).mean(1)

    def solved(kept: Tensor, own: Tensor, damping: float = 1.0) -> Tensor:
        """(G + damping)^-1 own, rows `(F, S)`."""
        rows = kept[:, 1:].flatten(0, 1)
        return torch.linalg.solve(rows.T @ rows / TASKS + damping * torch.eye(rows.shape[1]).double(), own.T).T

    own, root, plain = asked(last), reach.sqrt(), torch.ones_like(reach)
    whole = sketches(learner, tasks, plain, bends=10).double()  # 10 queries: all of the curvature; 501 < 1024: exact
    seven = sketches(learner, tasks, reach).double()
    short = sketches(learner, tasks, reach, width=64).double()
    flat = whole[:, 1:].flatten(0, 1).square().sum() / TASKS
    along = torch.stack([torch.linalg.vector_norm(whole[:, 1:] @ a) ** 2 / TASKS / (a @ a) for a in own])
    by_reach = -solved(whole * root, own * root) @ (whole[:, 0] * root).T / TASKS
    itself = (solved(whole * root, whole[:, 0] * root) * whole[:, 0] * root).sum(1)
    firsts = [
        (rate * asked(omega), multiplier, pulls(omega).T / TASKS) for omega, multiplier, rate in trained.snapshots
    ]
    alike = torch.stack(
        [torch.from_numpy(-task_similarity(c, trained.experience).values) for c in cases(learner, of, 1)]
    )
    found = {
        "`task_influence`, from the record": -solved(seven, own * root) @ seven[:, 0].T / TASKS,
        "the same with sketches of 64 numbers": -solved(short, sketch(own * root, width=64)) @ short[:, 0].T / TASKS,
        "`task_newton`, the whole curvature": by_reach,
        "the same over the root of the task's own": by_reach / itself.sqrt(),
        "damping: mean curvature": -solved(whole, own, float(flat / len(reach))) @ whole[:, 0].T / TASKS,
        "damping: .1 of that along the slope (former `task_newton`)": torch.cat(
            [-solved(whole, a[None], 0.1 * float(c)) @ whole[:, 0].T / TASKS for a, c in zip(own, along, strict=True)]
        ),
        "first order, 10 snapshots (former `task_influence`)": -sum(a * m @ g for a, m, g in firsts),
        "the same without Adam's scale": -sum(a @ g for a, _, g in firsts),
        "first order, last weights alone": -own @ whole[:, 0].T / TASKS,
        "task similarity (like tasks lower the error)": alike.mean(0, keepdim=True)
        if summed
        else alike.repeat_interleave(queries, 0),
        "random": torch.from_numpy(generator(0, "random influences").normal(size=(len(own), TASKS))),
    }
    if not summed:  # the library says the same
        case = cases(learner, of, queries)[0]
        for name, known in zip(found, (task_influence(case, trained.experience), None, None), strict=False):
            if known:
                np.testing.assert_allclose(found[name][0], known.values, rtol=0, atol=1e-3 * np.abs(known.values).max())
        newton = task_newton(case, trained.experience, iterations=200).values
        np.testing.assert_allclose(by_reach[0], newton, rtol=0, atol=1e-2 * np.abs(newton).max())
    else:
        found["the task's own: how far it moves its own loss"] = itself[None]
        found["the task's own loss after training"] = errors(learner, last, stack(tasks)).mean(1)[None].detach()
    return {name: value.numpy() for name, value in found.items()}


def cases(learner: MAML, of: list[Task], queries: int) -> list[Case]:
    """The squared error of single queries."""
    return [
        Case(learner, task.support, task.query[q : q + 1], squared_error(task.target[q]), ("",) * task.support.size)
        for task in of
        for q in range(queries)
    ]


def scores(sets: int, retrainings: int, steps: int) -> dict[str, np.ndarray]:
    """The linear datamodelling score of each method on each set of tasks, `(sets,)`."""
    found: dict[str, list[float]] = {}
    for number in range(FRESH_SETS, FRESH_SETS + sets):
        tasks, asked = Episodes(SINES, number, "train").batch(0, TASKS), Episodes(SINES, number, "test").batch(0, ASKED)
        draw = generator(number, "halves")
        halves = np.array([draw.permutation(TASKS) < TASKS // 2 for _ in range(retrainings)])
        omega, learner = retrained(tasks, halves, steps), untrained()
        truth = vmap(lambda omega, to=learner, of=asked: errors(to, omega, stack(of)))(omega)[:, :, :QUERIES].flatten(1)
        for name, values in influences(Trained.on(tasks, steps), asked, QUERIES, summed=False).items():
            each = [rank_correlation(halves @ v, truth[:, q].double().numpy()) for q, v in enumerate(values)]
            found.setdefault(name, []).append(float(np.mean(each)))
    return {name: np.array(values) for name, values in found.items()}


def detection(seeds: int, again: int, steps: int) -> dict[str, dict[str, np.ndarray]]:
    """AUC of finding `BAD` corrupted training waves by corruption and method; training again for the first seeds."""
    found: dict[str, dict[str, list[float]]] = {}
    for corruption, corrupt in CORRUPTIONS.items():
        for seed in range(FRESH_SEEDS, FRESH_SEEDS + seeds):
            tasks, draw = Episodes(SINES, seed, "train").batch(0, TASKS), generator(seed, "corruption")
            bad = draw.permutation(TASKS) < BAD
            tasks = [corrupt(task, draw) if is_bad else task for task, is_bad in zip(tasks, bad, strict=True)]
            clean, trained = Episodes(SINES, seed, "val").batch(0, CLEAN), Trained.on(tasks, steps)
            values = influences(trained, clean, 10, summed=True)
            name = f"{next(iter(values))}, {FEW * QUERIES} clean queries"
            values[name] = next(iter(influences(trained, clean[:FEW], QUERIES, summed=True).values()))
            if seed < FRESH_SEEDS + again:
                omega = retrained(tasks, np.vstack([1 - np.eye(TASKS), np.ones(TASKS)]), steps)
                after = vmap(lambda omega, t=trained, c=clean: errors(t.learner, omega, stack(c)).mean())(omega).numpy()
                values[f"training again without each task (first {again} seeds)"] = (after[-1] - after[:-1])[None]
            for name, value in values.items():
                found.setdefault(corruption, {}).setdefault(name, []).append(roc_auc_score(bad, value[0]))
    return {c: {name: np.array(v) for name, v in of.items()} for c, of in found.items()}


def flipped(task: Task, draw: np.random.Generator) -> Task:
    return replace(task, target=-task.target)


def noise(task: Task, draw: np.random.Generator) -> Task:
    y = torch.from_numpy(draw.uniform(-5, 5, (20, 1))).float()
    return replace(task, support=Support.of(task.support.x, y[:10]), target=y[10:])


CORRUPTIONS = {"wrong signs": flipped, "noise": noise}


def shown(values: np.ndarray) -> str:
    mean, interval = mean_interval(values)
    low, high = interval or (float("nan"), float("nan"))
    return f"{mean:.3f} | {low:.3f} to {high:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=5, help="sets of training tasks")
    parser.add_argument("--retrainings", type=int, default=30, help="on halves, for each set")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=8, help="of corrupted tasks")
    parser.add_argument("--again", type=int, default=3, help="seeds on which every task is left out by training again")
    parser.add_argument("--write", type=Path, help="write the tables to this file, above its line ---")
    given = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    lds = scores(given.sets, given.retrainings, given.steps)
    auc = detection(given.seeds, given.again, given.steps)
    lines = [
        f"MAML, perceptron 1-20-20-1 (tanh after the first layer), {TASKS} sine waves, {given.steps} full-batch steps "
        f"of Adam. Target: the squared error of a query. {given.sets} sets of tasks ({FRESH_SETS} and on) with {ASKED} "
        f"unseen waves of {QUERIES} queries and {given.retrainings} meta-trainings on random halves each; 95 % "
        "intervals over sets.",
        "",
        "| influence of a training task | linear datamodelling score | 95 % |",
        "|---|---:|---:|",
        *(f"| {name} | {shown(values)} |" for name, values in lds.items()),
        "",
        f"{BAD} of the {TASKS} training waves corrupted, {given.seeds} seeds ({FRESH_SEEDS} and on); influences summed "
        f"over the errors of {10 * CLEAN} queries of {CLEAN} clean waves; 95 % intervals over seeds (t, not cut at 1).",
        "",
        "| what should be high for bad tasks | AUC, wrong signs | 95 % | AUC, noise | 95 % |",
        "|---|---:|---:|---:|---:|",
        *(f"| {name} | {shown(values)} | {shown(auc['noise'][name])} |" for name, values in auc["wrong signs"].items()),
        "",
        f"Command: `python benchmarks/task_influence.py --sets {given.sets} --retrainings {given.retrainings} "
        f"--steps {given.steps} --seeds {given.seeds} --again {given.again}`, "
        f"{(time.process_time() - started) / 60:.0f} minutes of one thread.",
    ]
    print("\n".join(lines))
    if given.write:
        _, _, words = given.write.read_text().partition("\n---\n") if given.write.exists() else ("", "", "")
        given.write.write_text("\n".join([*lines, "", "---", ""]) + words)


if __name__ == "__main__":
    main()
