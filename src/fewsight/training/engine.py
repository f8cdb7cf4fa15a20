"""How is the gradient of a meta-batch computed? By one of several strategies, which all give the same gradient.

A strategy is how tasks are laid out and how numbers are (channels-last memory, bfloat16 convolutions). Tasks can go
in a loop; or all at once with `torch.func.vmap`; or so that the Python of the inner loop runs only once: its tensor
operations are recorded as a graph which is replayed ("trace") or compiled ("compile"). Bfloat16 agrees within its
precision. `choice.py` takes the fastest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from fewsight import device, tree
from fewsight.errors import LearnerError, RecipeError, suggest
from fewsight.learner import Learner, task_metric
from fewsight.task import Task, stack


@dataclass(frozen=True)
class Strategy:
    """One way to compute a meta-gradient; `str()` and `parse` are inverse.

    Attributes:
        layout: "loop" (task after task), "vmap" (all tasks at once), "trace" (vmap recorded once, then replayed) or
            "compile" (the recorded graph compiled).
        channels_last: image tensors and convolution weights in channels-last memory order.
        bf16: convolutions and matrix products in bfloat16 under autocast; parameters stay float32.
    """

    layout: str = "loop"
    channels_last: bool = False
    bf16: bool = False

    def __str__(self) -> str:
        return "+".join([self.layout, *(name for name in ("channels_last", "bf16") if getattr(self, name))])

    @classmethod
    def parse(cls, name: str) -> Strategy:
        """The strategy of that name, for example "loop+channels_last+bf16"."""
        if name not in STRATEGIES:
            raise RecipeError(f"unknown strategy {name!r}{suggest(name, STRATEGIES)}")
        return STRATEGIES[name]


STRATEGIES = {
    str(strategy): strategy
    for layout in ("loop", "vmap", "trace", "compile")
    for channels_last, bf16 in ((False, False), (True, False), (False, True), (True, True))
    for strategy in [Strategy(layout, channels_last, bf16)]
}


@dataclass(frozen=True)
class StepResult:
    """Mean query loss and mean metric (accuracy, or squared error) of a meta-batch."""

    loss: float
    metric: float


class Engine:
    """Computes meta-gradients of `learner` by one strategy; arranges its convolution weights in memory to suit."""

    def __init__(self, learner: Learner, strategy: Strategy) -> None:
        self.learner = learner
        self.strategy = strategy
        self._graphs: dict[Any, Callable[..., Any]] = {}
        _arrange(learner, strategy.channels_last)

    def gradients(self, tasks: Sequence[Task]) -> StepResult:
        """Leave the gradient of the mean loss over `tasks` in `.grad` of the learner's parameters."""
        self.learner.zero_grad(set_to_none=True)
        tasks = [self._laid_out(task) for task in tasks]
        if self.strategy.layout == "loop":
            results = [self._one(task, 1 / len(tasks)) for task in tasks]
            loss, metric = (torch.stack(column).mean() for column in zip(*results, strict=True))
        else:
            parameters = {name: p for name, p in self.learner.named_parameters() if p.requires_grad}
            omega, batch = {name: p.detach() for name, p in parameters.items()}, stack(tasks)
            gradient, (loss, metric) = self._vectorised(omega, batch)(omega, batch)
            for name, parameter in parameters.items():
                parameter.grad = gradient[name]
        return StepResult(float(loss), float(metric))

    def _one(self, task: Task, share: float) -> tuple[Tensor, Tensor]:
        loss, metric = self._measure(self.learner.meta_loss, task)
        if not loss.requires_grad:
            raise LearnerError(
                "the meta-loss does not depend on the parameters: does the network detach, or run under no_grad?"
            )
        (loss * share).backward()
        return loss.detach(), metric.detach()

    def _vectorised(self, omega: dict[str, Tensor], batch: Task) -> Callable[..., Any]:
        """The function from parameters and batch to gradient and values; recorded anew for each new shape."""

        def function(omega: dict[str, Tensor], batch: Task) -> Any:
            return grad_and_value(self._mean_loss, has_aux=True)(omega, batch)

        if self.strategy.layout == "vmap":
            return function
        key = (self.learner.stage, batch.support.ways, tuple(leaf.shape for leaf in tree.leaves(batch)))
        if key not in self._graphs:
            with device.random_numbers(None):  # recording must not use up random numbers of the step
                graph = make_fx(function)(omega, batch)
            self._graphs[key] = torch.compile(graph) if self.strategy.layout == "compile" else graph
        return self._graphs[key]

    def _mean_loss(self, omega: dict[str, Tensor], tasks: Task) -> tuple[Tensor, Tensor]:
        omega = {f"learner.{name}": value for name, value in omega.items()}

        def meta_loss(task: Task) -> tuple[Tensor, Tensor]:
            return functional_call(_Meta(self.learner), omega, (task,))

        losses, metrics = vmap(lambda task: self._measure(meta_loss, task), randomness="different")(tasks)
        return losses.mean(), metrics.mean()

    def _measure(self, meta_loss: Callable[[Task], tuple[Tensor, Tensor]], task: Task) -> tuple[Tensor, Tensor]:
        with precision(self.strategy.bf16, task.support.y.device):
            loss, scores = meta_loss(task)
        return loss, task_metric(scores, task)

    def _laid_out(self, task: Task) -> Task:
        if not self.strategy.channels_last:
            return task

        return tree.tree_map(lambda leaf: _channels_last(leaf) if leaf.ndim == 4 else leaf, task)


class _Meta(nn.Module):
    """`meta_loss` as a module's forward, which is what `functional_call` calls."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.learner = learner

    def forward(self, task: Task) -> tuple[Tensor, Tensor]:
        return self.learner.meta_loss(task)


def precision(bf16: bool, place: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Autocast to bfloat16, or nothing."""
    return torch.autocast(place.type, torch.bfloat16) if bf16 else contextlib.nullcontext()


def _arrange(learner: nn.Module, channels_last: bool) -> None:
    order = torch.channels_last if channels_last else torch.contiguous_format
    for parameter in learner.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=order)


def _channels_last(images: Tensor) -> Tensor:
    """Images `(B, C, H, W)` with channels-last strides, also where C = 1, which torch takes for either order."""
    _, channels, height, width = images.shape
    images = images.contiguous(memory_format=torch.channels_last)
    return images.as_strided(images.shape, (height * width * channels, 1, width * channels, channels))
