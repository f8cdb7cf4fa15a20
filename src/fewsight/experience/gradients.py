"""How do a prediction and a training task pull at what was meta-learned? Gradients in omega, and sketches of them.

Omega is flat here: a vector `(P,)` of all parameters that are trained, in the order of `trainable`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewsight import device
from fewsight.learner import Learner
from fewsight.task import Task

WIDTH = 1024
"""Numbers of a sketch: an inner product is off by about the root of 2 / 1024, 4 %, of the product of the lengths."""

Weights = Mapping[str, Tensor]


def trainable(learner: Learner) -> dict[str, Tensor]:
    """Omega by name: the parameters that meta-training moves."""
    return {name: parameter for name, parameter in learner.named_parameters() if parameter.requires_grad}


def flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts])


def at(learner: Learner, omega: Weights, measure: Callable[[Learner], Tensor]) -> Tensor:
    """`measure` of the learner with `omega` in place of its trained parameters; differentiable in `omega`."""
    return functional_call(_Asked(learner, measure), {f"learner.{name}": value for name, value in omega.items()}, ())


def leaves(learner: Learner, omega: Weights) -> dict[str, Tensor]:
    """Copies of `omega` to differentiate in, of the learner's dtype and on its device."""
    own = trainable(learner)
    return {name: omega[name].detach().to(own[name]).clone().requires_grad_() for name in own}


def gradient(learner: Learner, omega: Weights, measure: Callable[[Learner], Tensor]) -> Tensor:
    """The gradient `(P,)` of a scalar `measure` at `omega`. Plain autograd: it goes through checkpointed steps too."""
    with torch.enable_grad():
        inputs = leaves(learner, omega)
        value = at(learner, inputs, measure)
        found = torch.autograd.grad(value, list(inputs.values()), materialize_grads=True)
    return flat(found).detach()


def meta_gradient(learner: Learner, omega: Weights, task: Task) -> Tensor:
    """The gradient `(P,)` at `omega` of the loss that meta-training minimises on `task` at its end."""
    before, learner.progress = learner.progress, 1.0
    try:
        with device.random_numbers(0):  # a loss that draws (LEO) draws the same for every task
            return gradient(learner, omega, lambda learner: learner.meta_loss(task)[0])
    finally:
        learner.progress = before


def sketch(vectors: Tensor, seed: int = 0, width: int = WIDTH) -> Tensor:
    """Vectors `(..., P)` as `(..., width)`, whose inner products are theirs on average; as they are where P <= width.

    Every coordinate goes to one random place with a random sign. Charikar, Chen & Farach-Colton, "Finding frequent
    items in data streams", 2002.
    """
    size = vectors.shape[-1]
    if size <= width:
        return vectors
    draw = np.random.default_rng([seed, size, width])
    place = torch.from_numpy(draw.integers(width, size=size)).to(vectors.device)
    sign = torch.from_numpy(draw.integers(2, size=size) * 2.0 - 1).to(vectors)
    return vectors.new_zeros(*vectors.shape[:-1], width).index_add_(-1, place, vectors * sign)


class _Asked(nn.Module):
    """Any question to a learner as a module's forward, which is what `functional_call` calls."""

    def __init__(self, learner: Learner, measure: Callable[[Learner], Tensor]) -> None:
        super().__init__()
        self.learner = learner
        self.measure = measure

    def forward(self) -> Tensor:
        return self.measure(self.learner)
