"""Which terms may a formula for an update rule have? A fixed library of what hand-made optimizers are made of.

Every term is a function of the gradients so far, of one number or of the whole gradient's norm, and names itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fewsight.inner import Parameters

DECAYS = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Of sums and running means of gradients."""
SQUARES = (0.9, 0.99, 0.999)
"""Of running means of squares."""
TINY = 1e-24


class Signals(NamedTuple):
    """What there is to see at one step, for one tensor of parameters.

    Attributes:
        theta, gradient: the parameters and their gradient.
        norm: of the gradient of all parameters together, the same for each number.
        step: its number, from 1.
        sums: by decay b, sum_k b^k g_(t-k).
        squares: by decay b, sum_k b^k g_(t-k)^2.
    """

    theta: Tensor
    gradient: Tensor
    norm: Tensor
    step: int
    sums: dict[float, Tensor]
    squares: dict[float, Tensor]

    def mean(self, decay: float) -> Tensor:
        """The running mean of gradients without the bias of its start, as in Adam."""
        return self.gradient if decay == 0 else self.sums[decay] * (1 - decay) / (1 - decay**self.step)

    def size(self, decay: float) -> Tensor:
        """The root of the running mean of squares, likewise."""
        return (self.squares[decay] * (1 - decay) / (1 - decay**self.step)).clamp(min=TINY).sqrt()


@dataclass(frozen=True, eq=False)
class Term:
    """One term: how it is written, and how it is computed."""

    text: str
    of: Callable[[Signals], Tensor]


def library(scale: float, *, thresholds: Sequence[float] = (), decays: Sequence[float] = ()) -> tuple[Term, ...]:
    """All terms.

    Args:
        scale: a typical size of gradients, the unit of what bends (tanh, square root).
        thresholds: where gradients may be clipped.
        decays: of running sums, besides `DECAYS`.
    """
    terms = [
        Term("1", lambda s: torch.ones_like(s.gradient)),
        Term("theta", lambda s: s.theta),
        Term("g", lambda s: s.gradient),
        Term("sign(g)", lambda s: s.gradient.sign()),
        Term(f"tanh(g/{scale:.3g})", lambda s: (s.gradient / scale).tanh()),
        Term("sign(g) sqrt|g|", lambda s: s.gradient.sign() * s.gradient.abs().sqrt()),
    ]
    for threshold in thresholds:
        terms += _clips(threshold)
    for decay in (0.0, *sorted({*DECAYS, *decays})):
        terms += _averages(decay, scale)
    return tuple(terms)


def _clips(c: float) -> list[Term]:
    return [
        Term(f"clip(g, {c:.4g})", lambda s: s.gradient.clamp(-c, c)),
        Term(f"g min(1, {c:.4g}/|g|)", lambda s: s.gradient * (c / s.norm.clamp(min=TINY)).clamp(max=1)),
    ]


def _averages(b: float, scale: float) -> list[Term]:
    """The average of gradients at decay `b` (0: the gradient), alone and in proportion to running sizes."""
    name, terms = (f"mean({b:.4g})" if b else "g"), []
    if b:
        terms = [Term(f"sum({b:.4g})", lambda s: s.sums[b]), Term(name, lambda s: s.mean(b))]

    def scaled(v: float) -> list[Term]:
        size = f"size({v:.4g})"
        return [
            Term(f"{name}/{size}", lambda s: s.mean(b) / s.size(v)),
            Term(f"tanh({name}/{size})", lambda s: (s.mean(b) / s.size(v)).tanh()),
            Term(f"{name}/sqrt({size})", lambda s: s.mean(b) / s.size(v).sqrt()),
            Term(f"{name} log({size}/{scale:.3g})", lambda s: s.mean(b) * (s.size(v) / scale).log()),
        ]

    return [*terms, *(term for v in SQUARES for term in scaled(v))]


@dataclass(frozen=True)
class Watcher:
    """Keeps the running sums that terms need; `init` and `see` are like an optimizer's `init` and `update`."""

    decays: tuple[float, ...]

    def init(self, parameters: Parameters) -> Any:
        zeros = {name: torch.zeros_like(value) for name, value in parameters.items()}
        return 0, dict.fromkeys(self.decays, zeros), dict.fromkeys(SQUARES, zeros)

    def see(self, gradients: Parameters, state: Any, parameters: Parameters) -> tuple[dict[str, Signals], Any]:
        """Signals of each tensor of parameters, and the new state."""
        step, sums, squares = state
        step += 1
        sums = {b: {n: b * before[n] + g for n, g in gradients.items()} for b, before in sums.items()}
        squares = {b: {n: b * before[n] + g.square() for n, g in gradients.items()} for b, before in squares.items()}
        norm = torch.stack([g.square().sum() for g in gradients.values()]).sum().sqrt()
        signals = {
            n: Signals(
                parameters[n],
                g,
                norm.expand_as(g),
                step,
                {b: kept[n] for b, kept in sums.items()},
                {b: kept[n] for b, kept in squares.items()},
            )
            for n, g in gradients.items()
        }
        return signals, (step, sums, squares)
