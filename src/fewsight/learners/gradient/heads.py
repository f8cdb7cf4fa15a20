"""Where do class scores come from when the number of ways is free? From a head whose classes all start alike.

A head turns features `(B, D)` into scores. `start` gives the part of it that the inner loop may adapt, by name; `score`
uses what the inner loop made of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewsight.errors import LearnerError
from fewsight.inner import Parameters
from fewsight.learners.prototypes import class_means
from fewsight.task import Support


class Head(nn.Module, ABC):
    """A scoring layer whose adaptable part is a value."""

    shapes: dict[str, torch.Size]
    """Shape of each adaptable tensor, without its dimension of classes."""

    def check(self, support: Support) -> None:
        """Raise LearnerError when this head cannot learn such a task; most can learn any."""

    @abstractmethod
    def start(self, support: Support, features: Callable[[], Tensor]) -> Parameters:
        """The adaptable tensors before adaptation; `features()` are those of the support, `(K, D)`."""

    def score(self, theta: Parameters, features: Tensor) -> Tensor:
        """Scores `(B, N)` or values `(B, d)` of features `(B, D)`."""
        return F.linear(features, theta["weight"], theta["bias"])


class SharedHead(Head):
    """One meta-learned vector and bias that every class starts from: any number of ways, no label order.

    Ye & Chao, "How to Train Your MAML to Excel in Few-Shot Classification", 2022 (UNICORN-MAML), section 5.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features))
        self.bias = nn.Parameter(torch.zeros(()))
        self.shapes = {"weight": self.weight.shape, "bias": self.bias.shape}

    def start(self, support: Support, features: Callable[[], Tensor]) -> Parameters:
        assert support.ways is not None
        return {"weight": self.weight.expand(support.ways, -1), "bias": self.bias.expand(support.ways)}


class FixedHead(Head):
    """The classic linear layer with a meta-learned vector for each class position: reproduces the MAML paper.

    Predictions depend on the order of the labels, and no more than `outputs` ways can be learned. In regression
    `outputs` is the dimension of the values.
    """

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        layer = nn.Linear(features, outputs)
        self.weight, self.bias = layer.weight, layer.bias
        self.shapes = {"weight": layer.weight.shape, "bias": layer.bias.shape}

    def check(self, support: Support) -> None:
        outputs = self.weight.shape[0]
        if support.ways is not None and support.ways > outputs:
            raise LearnerError(
                f"this learner's fixed head has {outputs} ways but the task has {support.ways}: "
                f"give at most {outputs} classes, or train with head='shared', which takes any number"
            )

    def start(self, support: Support, features: Callable[[], Tensor]) -> Parameters:
        self.check(support)
        return {"weight": self.weight[: support.ways], "bias": self.bias[: support.ways]}


class PrototypeHead(Head):
    """Starts as the prototype classifier of the un-adapted features: w_c = 2 p_c, b_c = -|p_c|^2, divided by D.

    Triantafillou et al., "Meta-Dataset", 2020, section 3 (Proto-MAML). The division keeps the first scores, and so the
    first gradients, of the same size for every number of features.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.shapes = {"weight": torch.Size([features]), "bias": torch.Size([])}

    def start(self, support: Support, features: Callable[[], Tensor]) -> Parameters:
        means = class_means(support, features())
        return {"weight": 2 * means / self.features, "bias": -means.square().sum(-1) / self.features}


class ContextHead(Head):
    """A meta-learned scoring function of features and a context vector; only the context adapts, from 0.

    Zintgraf et al., "Fast Context Adaptation via Meta-Learning", 2019 (CAVIA), equations 5 and 6. In classification
    each class has a context of its own, so the number of ways is free; in regression the task has one, with `outputs`
    values.
    """

    def __init__(self, features: int, outputs: int | None, context: int = 32) -> None:
        super().__init__()
        self.outputs, self.context = outputs, context
        self.film = nn.Linear(context, 2 * features)
        self.last = nn.Linear(features, 1 if outputs is None else outputs)
        self.shapes = {"context": torch.Size([context])}

    def start(self, support: Support, features: Callable[[], Tensor]) -> Parameters:
        shape = (self.context,) if support.ways is None else (support.ways, self.context)
        return {"context": self.film.weight.new_zeros(shape)}

    def score(self, theta: Parameters, features: Tensor) -> Tensor:
        scale, shift = self.film(theta["context"]).chunk(2, -1)
        if self.outputs is not None:
            return self.last(torch.relu(features * (1 + scale) + shift))
        return self.last(torch.relu(features[:, None, :] * (1 + scale) + shift)).squeeze(-1)


def make_head(head: str | int, features: int) -> Head:
    """The head of that name; a number is a `FixedHead` with that many outputs, "context:3" a context with 3 values."""
    if isinstance(head, int):
        return FixedHead(features, head)
    if head.startswith("context"):
        values = head.partition(":")[2]
        return ContextHead(features, int(values) if values else None)
    heads: dict[str, type[SharedHead] | type[PrototypeHead]] = {"shared": SharedHead, "prototype": PrototypeHead}
    if head not in heads:
        raise LearnerError(
            f"unknown head {head!r}: give 'shared', 'prototype', 'context', a number of outputs, or None"
        )
    return heads[head](features)
