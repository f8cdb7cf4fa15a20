"""Which problems does an optimizer learn from? Families that draw fresh ones without end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from fewsight.inner import Parameters
from fewsight.inner.problems import Problems
from fewsight.limits import Count, Counts

Family = Callable[[torch.Generator], Problems]
"""Draws a batch of problems."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
T = TypeVar("T")
TRAINING_IMAGES = 1200
"""Of the 1,797 digits, in one shuffled order; the others are never seen in training."""


def quadratics(size: Count = 10, batch: Count = 64) -> Family:
    """|W theta - y|^2 with standard normal W `(size, size)`, y and initial theta.

    Andrychowicz et al., "Learning to learn by gradient descent by gradient descent", 2016, section 3.1.
    """

    def draw(generator: torch.Generator) -> Problems:
        w = torch.randn(batch, size, size, generator=generator)
        y = torch.randn(batch, size, generator=generator)
        start = torch.randn(batch, size, generator=generator)

        def losses(parameters: Parameters, step: int | None = None) -> Tensor:
            return (torch.einsum("bij,bj->bi", w, parameters["theta"]) - y).square().sum(-1)

        return Problems({"theta": start}, losses)

    return draw


def digit_networks(
    widths: Counts = (10, 20, 30),
    activations: Sequence[str] = ("relu", "tanh"),
    layers: Counts = (1,),
    *,
    batch: Count = 4,
    images: Count = 512,
    minibatch: Count = 32,
    unseen: bool = False,
) -> Family:
    """Cross-entropy of small networks that tell scikit-learn's 8x8 digits apart, on minibatches.

    A draw chooses width, activation and number of hidden layers; each of its problems has its own initial weights
    (uniform within 1 / sqrt(inputs), as torch.nn.Linear) and its own `images`, which minibatches go round in a fixed
    order. After Andrychowicz et al. 2016, section 3.2.

    Args:
        unseen: take images from those that training never sees, which are 597.
    """

    def draw(generator: torch.Generator) -> Problems:
        pixels, labels = _digits()
        pool = torch.arange(TRAINING_IMAGES, len(labels)) if unseen else torch.arange(TRAINING_IMAGES)
        width, activation = _choice(widths, generator), ACTIVATIONS[_choice(activations, generator)]
        depth = _choice(layers, generator)
        sizes = [pixels.shape[1], *[width] * depth, 10]
        start: Parameters = {}
        for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
            for name, shape in ((f"weight{layer}", (inputs, outputs)), (f"bias{layer}", (1, outputs))):
                start[name] = (2 * torch.rand(batch, *shape, generator=generator) - 1) / inputs**0.5
        rows = torch.stack([pool[torch.randperm(len(pool), generator=generator)[:images]] for _ in range(batch)])

        def losses(parameters: Parameters, step: int | None = None) -> Tensor:
            size = rows.shape[1]
            taken = rows if step is None else rows[:, (step * minibatch + torch.arange(minibatch)) % size]
            x = pixels[taken]
            for layer in range(depth + 1):
                x = activation(x) if layer else x
                x = torch.baddbmm(parameters[f"bias{layer}"], x, parameters[f"weight{layer}"])
            return F.cross_entropy(x.transpose(1, 2), labels[taken], reduction="none").mean(1)

        return Problems(start, losses)

    return draw


FAMILIES: dict[str, Callable[..., Family]] = {"quadratics": quadratics, "digit-networks": digit_networks}
"""By the name in recipes."""


def _choice(options: Sequence[T], generator: torch.Generator) -> T:
    return options[int(torch.randint(len(options), (), generator=generator))]


@cache
def _digits() -> tuple[Tensor, Tensor]:
    """Pixels `(1797, 64)` in [0, 1] and labels, shuffled."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = torch.randperm(len(found.target), generator=torch.Generator().manual_seed(0))
    pixels = torch.tensor(found.data / 16, dtype=torch.float32)
    return pixels[order], torch.tensor(found.target)[order]
