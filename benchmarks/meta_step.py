"""How long does one second-order MAML meta-step take, beside learn2learn's and higher's loops?

    python benchmarks/meta_step.py --learn2learn PATH/learn2learn-0.2.0 [--write benchmarks/meta_step.md]

PATH is learn2learn's unpacked source distribution: its package does not build on Python 3.11, its pure-Python part
runs. All run interleaved in one process on one thread, so that a busy machine slows all alike; medians, and their
ratios. Same function, same tasks, same inner rate, same meta-gradient, which is compared before anything is timed.
Batch normalisation is torch's in learn2learn's and higher's networks and fewsight's own in its own. About 2 minutes.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import platform
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import higher
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewsight.learners import MAML
from fewsight.networks import MLP, Conv4
from fewsight.task import Support, Task
from fewsight.training.engine import Engine, Strategy

Step = Callable[[], object]


@dataclass(frozen=True)
class Workload:
    title: str
    network: nn.Module
    ours: nn.Module
    tasks: list[Task]
    inner_steps: int
    rate: float
    loss: Callable[[Tensor, Tensor], Tensor]
    strategies: tuple[str, ...]


def sinusoid_tasks() -> list[Task]:
    generator = torch.Generator().manual_seed(0)
    tasks = []
    for _ in range(25):
        x = torch.rand(20, 1, generator=generator) * 10 - 5
        amplitude, phase = torch.rand(2, generator=generator) * torch.tensor([4.9, 3.14]) + torch.tensor([0.1, 0])
        y = amplitude * torch.sin(x + phase)
        tasks.append(Task(Support.of(x[:10], y[:10]), x[10:], y[10:]))
    return tasks


def image_tasks() -> list[Task]:
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(5)
    images = torch.rand(8, 80, 1, 28, 28, generator=generator)
    return [Task(Support.of(x[:5], label), x[5:], label.repeat(15)) for x in images]


class BatchNormConv4(nn.Module):
    """The classic Conv4 with batch statistics and a 5-way head.

    Args:
        ours: normalise by fewsight's layer, which is batch normalisation in a transductive learner; otherwise by
            torch's, which all can run.
    """

    def __init__(self, ours: bool) -> None:
        super().__init__()
        self.body = Conv4(norm="support" if ours else "none")
        for index, layer in enumerate(self.body.layers):
            if isinstance(layer, nn.Identity):
                self.body.layers[index] = nn.BatchNorm2d(64, track_running_stats=False)
        self.head = nn.Linear(64, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def with_higher(network: nn.Module, workload: Workload) -> Step:
    optimizer = torch.optim.SGD(network.parameters(), lr=workload.rate)
    tasks, loss = workload.tasks, workload.loss

    def step() -> None:
        network.zero_grad()
        for task in tasks:
            with higher.innerloop_ctx(network, optimizer, copy_initial_weights=False) as (fast, inner):
                for _ in range(workload.inner_steps):
                    inner.step(loss(fast(task.support.x), task.support.y))
                (loss(fast(task.query), task.target) / len(tasks)).backward()

    return step


def with_learn2learn(maml: type, network: nn.Module, workload: Workload) -> Step:
    meta = maml(network, lr=workload.rate, first_order=False)
    tasks, loss = workload.tasks, workload.loss

    def step() -> None:
        meta.zero_grad()
        for task in tasks:
            fast = meta.clone()
            for _ in range(workload.inner_steps):
                fast.adapt(loss(fast(task.support.x), task.support.y))
            (loss(fast(task.query), task.target) / len(tasks)).backward()

    return step


def with_fewsight(network: nn.Module, workload: Workload, strategy: str) -> Step:
    learner = MAML(network, head=None, inner_steps=workload.inner_steps, inner_lr=workload.rate, transductive=True)
    engine = Engine(learner, Strategy.parse(strategy))
    return lambda: engine.gradients(workload.tasks)


def load_learn2learn(folder: Path) -> type:
    """learn2learn's MAML without its package's imports of compiled and optional parts."""
    for name in ("learn2learn", "learn2learn.algorithms"):
        module = types.ModuleType(name)
        module.__path__ = [str(folder / name.replace(".", "/"))]
        sys.modules[name] = module
    return importlib.import_module("learn2learn.algorithms.maml").MAML


def compare(workload: Workload, rival: type | None, rounds: int) -> list[str]:
    """Check that all give the same gradient, then time them in turn; the rows of a table."""
    networks = {"higher": copy.deepcopy(workload.network)}  # one each: engines arrange weights in memory
    steps = {"higher": with_higher(networks["higher"], workload)}
    if rival:
        networks["learn2learn"] = copy.deepcopy(workload.network)
        steps["learn2learn"] = with_learn2learn(rival, networks["learn2learn"], workload)
    for strategy in workload.strategies:
        name = f"fewsight, {strategy}"
        networks[name] = copy.deepcopy(workload.ours)
        networks[name].load_state_dict(workload.network.state_dict())
        steps[name] = with_fewsight(networks[name], workload, strategy)

    def gradient(name: str) -> Tensor:
        steps[name]()
        return torch.cat([p.grad.flatten() for p in networks[name].parameters()]).double()

    reference = gradient("higher")
    apart = {name: float((gradient(name) - reference).norm() / reference.norm()) for name in steps}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - started)
    medians = {name: median(times) for name, times in seconds.items()}
    rivals = [name for name in ("learn2learn", "higher") if name in medians]
    rows = [f"### {workload.title}; median of {rounds}", ""]
    rows += ["| | ms | " + " | ".join(f"times faster than {name}" for name in rivals) + " | gradient differs by |"]
    rows += ["|---|---:|" + "---:|" * (len(rivals) + 1)]
    for name, value in medians.items():
        ratios = " | ".join(f"{medians[other] / value:.1f}" for other in rivals)
        rows.append(f"| {name} | {value * 1e3:.1f} | {ratios} | {apart[name]:.0e} |")
    return [*rows, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn2learn", type=Path, help="unpacked source distribution of learn2learn 0.2.0")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rival = load_learn2learn(arguments.learn2learn) if arguments.learn2learn else None
    sinusoid = Workload(
        title="Sinusoid, MLP 1-40-40-1, 25 tasks, 5 inner steps",
        network=MLP([1, 40, 40, 1]),
        ours=MLP([1, 40, 40, 1]),
        tasks=sinusoid_tasks(),
        inner_steps=5,
        rate=0.01,
        loss=F.mse_loss,
        strategies=("loop", "vmap", "trace", "compile"),
    )
    images = Workload(
        title="Conv4-64 with batch norm, 8 tasks 5-way 1-shot, 75 queries, 1 inner step",
        network=BatchNormConv4(ours=False),
        ours=BatchNormConv4(ours=True),
        tasks=image_tasks(),
        inner_steps=1,
        rate=0.4,
        loss=F.cross_entropy,
        strategies=("loop", "loop+channels_last", "loop+channels_last+bf16"),
    )
    lines = [f"One thread of {platform.machine()}, torch {torch.__version__}.", ""]
    lines += [row for workload in (sinusoid, images) for row in compare(workload, rival, arguments.rounds)]
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
