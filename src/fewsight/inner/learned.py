"""Can the update rule itself be learned? An LSTM on each coordinate, with shared weights, generates the steps.

Both are inner optimizers like any other, `init` and `update`, whose parameters are meta-learned; they work for any
number and shape of parameters, since every coordinate has its own state and all share the network.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from fewsight.inner.optimizer import Parameters
from fewsight.limits import Count, Positive
from fewsight.networks.lstm import Cell


class LearnedOptimizer(nn.Module, ABC):
    """An inner optimizer with parameters of its own.

    Attributes:
        settings: the arguments it was made with, so that it can be saved and made again.
    """

    settings: dict[str, Any]

    @abstractmethod
    def init(self, parameters: Parameters) -> Any:
        """The state before the first step."""

    @abstractmethod
    def update(self, gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        """New parameters and state."""


def preprocess(gradient: Tensor, p: float = 10.0) -> Tensor:
    """(log|g| / p, sign g) where |g| >= e^-p, else (-1, e^p g): `(n,)` to `(n, 2)`.

    Andrychowicz et al. 2016, appendix A: gradients of all magnitudes become inputs of order 1.
    """
    size = gradient.abs()
    large = size >= math.exp(-p)
    logarithm = torch.where(large, size, torch.ones_like(size)).log() / p
    first = torch.where(large, logarithm, -1.0)
    return torch.stack([first, torch.where(large, gradient.sign(), math.exp(p) * gradient)], -1)


class CoordinateLSTM(LearnedOptimizer):
    """theta <- theta + rate m(g, h): the learned optimizer.

    Andrychowicz et al., "Learning to learn by gradient descent by gradient descent", 2016, section 2.1: two layers of
    20 on every coordinate, log-gradient preprocessing, output scaled by `learning_rate` (0.1 in the paper).
    """

    def __init__(self, learning_rate: Positive = 0.1, hidden: Count = 20, layers: Count = 2) -> None:
        super().__init__()
        self.settings = {"learning_rate": learning_rate, "hidden": hidden, "layers": layers}
        self.rate = learning_rate
        self.cells = nn.ModuleList(Cell(2 if layer == 0 else hidden, hidden) for layer in range(layers))
        self.out = nn.Linear(hidden, 1)
        nn.init.zeros_(self.out.bias)

    def init(self, parameters: Parameters) -> Any:
        return {n: [cell.zeros(p.numel(), p) for cell in self._cells()] for n, p in parameters.items()}

    def update(self, gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        moved: Parameters = {}
        states: dict[str, Any] = {}
        for name, value in parameters.items():
            signal, states[name] = preprocess(gradients[name].reshape(-1)), []
            for cell, before in zip(self._cells(), state[name], strict=True):
                after = cell(signal, before)
                signal = after[0]
                states[name].append(after)
            moved[name] = value + self.rate * self.out(signal).reshape(value.shape)
        return moved, states

    def _cells(self) -> list[Cell]:
        return [cell for cell in self.cells if isinstance(cell, Cell)]


class MetaLSTM(LearnedOptimizer):
    """theta_t = f_t theta_{t-1} - i_t g_t: the parameters are the cell state of an LSTM whose gates are learned.

    Ravi & Larochelle, "Optimization as a Model for Few-Shot Learning", 2017, equations 2-5. The gates see the
    preprocessed gradient, the parameter and their own last values; they start at f = 1 and i = `learning_rate`. The
    loss is left out of their input: an optimizer is told gradients only.
    """

    def __init__(self, learning_rate: Positive = 0.1, hidden: Count = 20) -> None:
        super().__init__()
        self.settings = {"learning_rate": learning_rate, "hidden": hidden}
        self.rate = learning_rate
        self.cell = Cell(2, hidden)
        self.forget, self.input = nn.Linear(hidden + 2, 1), nn.Linear(hidden + 2, 1)
        for layer, start in ((self.forget, 6.0), (self.input, 0.0)):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.constant_(layer.bias, start)

    def init(self, parameters: Parameters) -> Any:
        def start(p: Tensor) -> tuple[Any, Tensor, Tensor]:
            gate = p.new_ones(p.numel(), 1)
            return self.cell.zeros(p.numel(), p), gate, gate

        return {name: start(value) for name, value in parameters.items()}

    def update(self, gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        moved: Parameters = {}
        states: dict[str, Any] = {}
        for name, value in parameters.items():
            flat, gradient = value.reshape(-1, 1), gradients[name].reshape(-1, 1)
            memory, kept, taken = state[name]
            memory = self.cell(preprocess(gradient.squeeze(-1)), memory)
            keep = self.forget(torch.cat([memory[0], flat, kept], -1)).sigmoid()
            # 2 sigmoid(0) = 1: at the start this is gradient descent at the given rate.
            take = 2 * self.input(torch.cat([memory[0], flat, taken], -1)).sigmoid()
            moved[name] = (keep * flat - self.rate * take * gradient).reshape(value.shape)
            states[name] = (memory, keep, take)
        return moved, states

    def gates(self, state: Any) -> dict[str, Parameters]:
        """What the step before `state` used, for each number `(n,)`: theta <- keep theta - take gradient."""
        return {
            "keep": {name: kept.squeeze(-1) for name, (_, kept, _) in state.items()},
            "take": {name: self.rate * taken.squeeze(-1) for name, (_, _, taken) in state.items()},
        }
