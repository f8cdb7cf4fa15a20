"""Can rates, momentum and betas be meta-learned? As parameters of the optimizer, like those of a learned one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from fewsight.inner.learned import LearnedOptimizer
from fewsight.inner.optimizer import InnerOptimizer, Parameters
from fewsight.inner.optimizers import adagrad, adam, adamw, momentum, nesterov, rmsprop, sgd

MAKERS: dict[str, Callable[..., InnerOptimizer]] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "adagrad": adagrad,
}
"""Those written by hand whose hyper-parameters can be learned, by name."""
FRACTIONS: dict[str, dict[str, tuple[float, ...] | float]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"rho": 0.9},
    "adam": {"betas": (0.9, 0.999)},
    "adamw": {"weight_decay": 0.01},
    "rmsprop": {"alpha": 0.99},
    "adagrad": {},
}
"""The hyper-parameters besides the rate that are learned, and where they start; all lie between 0 and 1."""


class Tuned(LearnedOptimizer):
    """An optimizer written by hand whose rate and other hyper-parameters are learned with everything else.

    The rate is kept as its logarithm, the others as log odds: no step of training takes them where they mean nothing.

    Args:
        optimizer: a name in `MAKERS`.
        learning_rate: at the start.
    """

    def __init__(self, optimizer: str, learning_rate: float = 0.1) -> None:
        super().__init__()
        self.settings = {"optimizer": optimizer, "learning_rate": learning_rate}
        self.make = MAKERS[optimizer]
        self.log_rate = nn.Parameter(torch.tensor(learning_rate).log())
        self.odds = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(start).logit()) for name, start in FRACTIONS[optimizer].items()}
        )

    def hyper(self) -> dict[str, Tensor]:
        """What was learned, by the names of the optimizer's arguments."""
        return {"learning_rate": self.log_rate.exp()} | {name: odds.sigmoid() for name, odds in self.odds.items()}

    def init(self, parameters: Parameters) -> Any:
        return self.make(**self.hyper()).init(parameters)

    def update(self, gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        return self.make(**self.hyper()).update(gradients, state, parameters)
