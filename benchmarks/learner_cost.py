"""What does each learner cost? Arithmetic and memory, counted instead of timed: a busy machine changes nothing.

    python benchmarks/learner_cost.py [--write benchmarks/learner_cost.md]

One 5-way 1-shot task with 75 queries, 28x28 images through Conv4-64, every learner with its own defaults (5 inner
steps; iMAML 16). Multiplications and additions are those of matrix products and convolutions (by torch's formulas),
memory is the largest sum of what torch's allocator held at one time (its profiler) beyond the parameters. About half
a minute on one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from fewsight.learner import Learner
from fewsight.learners import LEARNERS, create
from fewsight.networks import Conv4
from fewsight.task import Support, Task

WAYS, QUERIES = 5, 15
MAML_LIKE = {"maml checkpointed": ("maml", {"checkpoint_steps": True})}


def drawn() -> Task:
    label = torch.arange(WAYS)
    x = torch.rand(WAYS * (1 + QUERIES), 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return Task(Support.of(x[:WAYS], label), x[WAYS:], label.repeat(QUERIES))


class Counter(TorchDispatchMode):
    """Counts by torch's own formulas; its FlopCounterMode also looks at modules, which gradients in them defeat."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        self.total += formula(*args, **(kwargs or {}), out_val=result) if formula else 0
        return result


def flops(work: Callable[[], object]) -> int:
    """Of matrix products and convolutions, derivatives included."""
    with Counter() as counter:
        work()
    return counter.total


def peak(work: Callable[[], object]) -> float:
    """The most MiB that `work` held at one time beyond what was there before."""
    with profile(profile_memory=True) as profiler:
        work()
    held = most = 0
    for event in sorted(profiler.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most / 2**20


def learners() -> Iterable[tuple[str, Callable[..., Learner]]]:
    named = {name: (name, {}) for name in LEARNERS} | MAML_LIKE

    def make(name: str, fixed: dict[str, object]) -> Callable[..., Learner]:
        def made(**settings: object) -> Learner:
            torch.manual_seed(0)
            return create(name, Conv4(hidden=64, norm="support"), **fixed, **settings)

        return made

    return [(label, make(*choice)) for label, choice in named.items()]


def gradient(learner: Learner, task: Task) -> None:
    learner.meta_loss(task)[0].backward()
    learner.zero_grad()


def row(label: str, make: Callable[..., Learner], task: Task, reference: int) -> str:
    learner = make()
    network = sum(p.numel() for p in Conv4(hidden=64, norm="support").parameters())
    more = sum(p.numel() for p in learner.parameters()) - network
    with torch.no_grad():
        adapting = flops(lambda: learner.adapt(task.support)) / reference
    training = flops(lambda: gradient(learner, task)) / reference
    memory = peak(lambda: gradient(learner, task))
    steps = getattr(learner, "inner_steps", None)
    growth = "-"
    if steps:
        twice = make(inner_steps=2 * steps)
        growth = f"{(peak(lambda: gradient(twice, task)) - memory) / steps:.2f}"
    return f"| `{label}` | {more:,} | {adapting:.1f} | {training:.0f} | {memory:.0f} | {growth} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    task = drawn()
    embedding = dict(learners())["protonet"]()
    with torch.no_grad():
        reference = flops(lambda: embedding.adapt(task.support))
    head = [
        "| learner | numbers beside the network | adapting, forward passes | meta-gradient, forward passes | "
        "MiB in training | MiB more for each inner step |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines = [*head]
    for label, make in learners():
        lines.append(row(label, make, task, reference))
        print(lines[-1], flush=True)
    text = (
        "`python benchmarks/learner_cost.py`: one 5-way 1-shot task, 75 queries, Conv4-64 on 28x28; a forward pass is "
        "that of the 5 support images; defaults of each learner.\n\n" + "\n".join(lines) + "\n"
    )
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
