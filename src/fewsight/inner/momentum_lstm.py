"""Which inputs make a learned optimizer good at problems of any scale? Gradients in units of their own running size."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from fewsight.inner.learned import LearnedOptimizer
from fewsight.inner.optimizer import Parameters
from fewsight.limits import Count, Positive
from fewsight.networks.lstm import Cell

DECAYS = (0.0, 0.9, 0.97)
"""Of the running means of gradients; 0 is the gradient itself, 0.9 is where the rule starts from."""
SQUARES = (0.9, 0.99)
"""Of the running means of squares; the last is what sizes are measured by."""
TINY = 1e-24


class MomentumLSTM(LearnedOptimizer):
    """theta <- theta - rate e^a s^power sum_k d_k m_k / s: an LSTM on each coordinate chooses a and d at every step.

    m_k are running means of the gradient, and s is the root of a running mean of its square, without bias as in Adam.
    The LSTM sees m_k / s, log s and the time, and steps are bounded, after RNNprop (Lv, Jiang & Li, "Learning gradient
    descent: better generalization and longer horizons", 2017, section 4.2). Different from there: the output is a size
    and a mixture of directions instead of a step, so that the untrained rule is already a good one, momentum (power 1)
    or Adam (power 0) or between; and power is learned.

    Args:
        learning_rate: rate at the start.
        hidden: size of the LSTM.
        power: at the start.
        longest: bound on a step of one number; nearing it, steps saturate as tanh does.
    """

    def __init__(
        self, learning_rate: Positive = 0.1, hidden: Count = 20, power: float = 0.3, longest: Positive = 0.3
    ) -> None:
        super().__init__()
        self.settings = {"learning_rate": learning_rate, "hidden": hidden, "power": power, "longest": longest}
        self.rate, self.longest = learning_rate, longest
        self.cell = Cell(len(DECAYS) + len(SQUARES) + 1, hidden)
        self.out = nn.Linear(hidden, 1 + len(DECAYS))
        nn.init.zeros_(self.out.weight)
        with torch.no_grad():
            self.out.bias.copy_(torch.tensor([0.0, *(float(decay == 0.9) for decay in DECAYS)]))
        self.power = nn.Parameter(torch.tensor(float(power)))

    def init(self, parameters: Parameters) -> Any:
        def start(p: Tensor) -> tuple[Any, ...]:
            n = p.numel()
            return 0, p.new_zeros(n, len(DECAYS)), p.new_zeros(n, len(SQUARES)), self.cell.zeros(n, p)

        return {name: start(value) for name, value in parameters.items()}

    def update(self, gradients: Parameters, state: Any, parameters: Parameters) -> tuple[Parameters, Any]:
        moved: Parameters = {}
        states: dict[str, Any] = {}
        for name, value in parameters.items():
            step, means, squares, memory = state[name]
            step += 1
            gradient = gradients[name].reshape(-1, 1)
            means, squares = _average(means, gradient, DECAYS), _average(squares, gradient.square(), SQUARES)
            unbiased = squares / (1 - squares.new_tensor(SQUARES) ** step)
            log_variance = unbiased.clamp(min=TINY).log()
            directions = means / (log_variance[:, -1:] / 2).exp()
            clock = torch.full_like(gradient, math.tanh(step / 50))
            memory = self.cell(torch.cat([directions.clamp(-10, 10), log_variance / 20, clock], -1), memory)
            amount, mixture = self.out(memory[0]).split([1, len(DECAYS)], -1)
            scale = (amount.clamp(-8, 4) + self.power * log_variance[:, -1:] / 2).exp()
            change = self.rate * scale * (mixture * directions).sum(-1, keepdim=True)
            moved[name] = value - self.longest * (change / self.longest).tanh().reshape(value.shape)
            states[name] = (step, means, squares, memory)
        return moved, states


def _average(before: Tensor, value: Tensor, decays: tuple[float, ...]) -> Tensor:
    """Running means of `value` `(n, 1)` at each decay, `(n, decays)`."""
    decay = value.new_tensor(decays)
    return decay * before + (1 - decay) * value
