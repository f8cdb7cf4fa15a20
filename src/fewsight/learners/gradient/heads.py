"""Where do class scores come from when the number of ways is free? From a head whose classes all start alike.

A head turns features `(B, D)` into scores. Its own parameters, `start(ways)`, are part of what the inner loop adapts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewsight.errors import LearnerError


class SharedHead(nn.Module):
    """One meta-learned vector and bias that every class starts from: any number of ways, no label order.

    Ye & Chao, "How to Train Your MAML to Excel in Few-Shot Classification", 2022 (UNICORN-MAML), section 5.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features))
        self.bias = nn.Parameter(torch.zeros(()))

    def start(self, ways: int | None) -> dict[str, Tensor]:
        assert ways is not None
        return {"weight": self.weight.expand(ways, -1), "bias": self.bias.expand(ways)}


class FixedHead(nn.Module):
    """The classic linear layer with a meta-learned vector for each class position: reproduces the MAML paper.

    Predictions depend on the order of the labels, and no more than `outputs` ways can be learned. In regression
    `outputs` is the dimension of the values.
    """

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        layer = nn.Linear(features, outputs)
        self.weight, self.bias = layer.weight, layer.bias

    def start(self, ways: int | None) -> dict[str, Tensor]:
        outputs = self.weight.shape[0]
        if ways is None:
            return {"weight": self.weight, "bias": self.bias}
        if ways > outputs:
            raise LearnerError(
                f"this learner's fixed head has {outputs} ways but the task has {ways}: "
                f"give at most {outputs} classes, or train with head='shared', which takes any number"
            )
        return {"weight": self.weight[:ways], "bias": self.bias[:ways]}
