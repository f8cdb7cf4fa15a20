"""Which strategy computes meta-gradients fastest here, and on which device? By measuring on the real workload.

It depends on the network and the machine: a vectorised MLP is many times faster than a loop, a vectorised convolution
with per-task weights slower; a GPU pays for large networks and many classes, not for small ones. `choose` times each
and says what it took and why.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import torch

from fewsight import device, tree
from fewsight.learner import Learner
from fewsight.task import Task
from fewsight.training.engine import Engine, Strategy

COMPILE_SECONDS = 60.0
"""Compiling an inner loop takes about this long, so shorter runs do not try."""


@dataclass(frozen=True)
class Choice:
    """What `choose` took, and the evidence.

    Attributes:
        strategy, device: what was taken.
        seconds: of one meta-step on that device, by strategy; empty where there was no choice.
        left_out: strategies that were not timed, with the reason.
        slower: the choices on the other devices.
    """

    strategy: Strategy
    device: torch.device
    seconds: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    slower: tuple[Choice, ...] = ()

    @property
    def fastest(self) -> float:
        return min(self.seconds.values())

    def __str__(self) -> str:
        if not self.seconds:
            return f"strategy {self.strategy} on {self.device} (as asked)"
        timed = ", ".join(f"{name} {s * 1e3:.1f} ms" for name, s in sorted(self.seconds.items(), key=lambda i: i[1]))
        left = "".join(f"; {name} left out: {why}" for name, why in self.left_out.items())
        slower = "".join(f"; on {c.device} {c.strategy} {c.fastest * 1e3:.1f} ms" for c in self.slower)
        return (
            f"strategy {self.strategy} on {self.device}: fastest of one measured meta-step each ({timed}){left}{slower}"
        )


def choose(
    learner: Learner,
    tasks: Sequence[Task],
    *,
    devices: Sequence[torch.device] = (),
    only: Strategy | None = None,
    steps: int = 0,
    repeats: int = 3,
    bf16: bool = True,
    compiled: bool | None = None,
) -> Choice:
    """Time each feasible strategy on `tasks` (one meta-batch) and take the fastest; without a choice, time nothing.

    Args:
        devices: where to try, default where the learner is; it is left where it was.
        only: the one strategy to try.
        steps: how many meta-steps the training will take; compiling is tried only where it can pay for itself.
        bf16: allow bfloat16 (its rounding changes gradients by about 1 %).
        compiled: try compiling, or not; None decides by `steps`.
    """
    home = device.of(learner)
    devices = devices or [home]
    if only and len(devices) == 1:
        return Choice(only, devices[0])
    kept = {name: p.data.clone() for name, p in learner.named_parameters()}
    found = [
        _timed(learner.to(place), [task.to(device=place) for task in tasks], only, steps, repeats, bf16, compiled)
        for place in devices
    ]
    best = min(found, key=lambda choice: choice.fastest)
    learner.to(home)
    for name, parameter in learner.named_parameters():
        parameter.data = kept[name]
    learner.zero_grad(set_to_none=True)
    return replace(best, slower=tuple(choice for choice in found if choice is not best))


def _timed(
    learner: Learner,
    tasks: Sequence[Task],
    only: Strategy | None,
    steps: int,
    repeats: int,
    bf16: bool,
    compiled: bool | None,
) -> Choice:
    """The fastest where learner and tasks are."""
    image = any(leaf.ndim == 4 for leaf in tree.leaves(tasks[0].query))
    choice = Choice(only or Strategy("loop"), device.of(learner))
    candidates = [only] if only else [Strategy("loop"), Strategy("vmap"), Strategy("trace")]
    if image and not only:
        candidates.append(Strategy("loop", channels_last=True))
        if bf16:
            candidates.append(Strategy("loop", channels_last=True, bf16=True))
    for strategy in candidates:
        _time(learner, strategy, tasks, repeats, choice)
    if compiled is None:
        compiled = not image and steps * choice.seconds.get("trace", 0.0) > COMPILE_SECONDS
    if compiled and "trace" in choice.seconds:
        _time(learner, Strategy("compile"), tasks, repeats, choice)
    elif not only:
        why = "convolutions take over a minute to compile" if image else "too short a run to pay for it"
        choice.left_out["compile"] = why
    return replace(choice, strategy=Strategy.parse(min(choice.seconds, key=lambda name: choice.seconds[name])))


def _time(learner: Learner, strategy: Strategy, tasks: Sequence[Task], repeats: int, choice: Choice) -> None:
    """Note the seconds of one meta-step, or why it cannot be taken in that way."""
    try:
        engine = Engine(learner, strategy)
        engine.gradients(tasks)  # warm-up; compiles where asked
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            engine.gradients(tasks)
            times.append(time.perf_counter() - started)
        choice.seconds[str(strategy)] = median(times)
    except (RuntimeError, NotImplementedError, torch._dynamo.exc.TorchDynamoException) as error:
        if strategy.layout == "loop":
            raise
        choice.left_out[str(strategy)] = str(error).strip().splitlines()[0][:120]
