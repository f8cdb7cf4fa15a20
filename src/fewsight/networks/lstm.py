"""One LSTM step, written out: nn.LSTM cannot be mapped over tasks by torch.func."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Cell(nn.Module):
    """One LSTM step on `(B, inputs)`; Hochreiter & Schmidhuber 1997, with a forget gate that starts open.

    Args:
        hidden: size of the cell and of what it puts out.
        recurrent: size of what it is given of the past, where that is more than what it put out.
    """

    def __init__(self, inputs: int, hidden: int, recurrent: int | None = None) -> None:
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Linear(inputs + (recurrent or hidden), 4 * hidden)
        with torch.no_grad():
            self.gates.bias[hidden : 2 * hidden] += 1

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        h, c = state
        gates = self.gates(torch.cat([x, h], -1)).unflatten(-1, (4, self.hidden))
        into, keep, new, out = gates.movedim(-2, 0).contiguous()  # sigmoids of strided numbers take five times as long
        c = keep.sigmoid() * c + into.sigmoid() * new.tanh()
        return out.sigmoid() * c.tanh(), c

    def zeros(self, size: int, like: Tensor) -> tuple[Tensor, Tensor]:
        return like.new_zeros(size, self.hidden), like.new_zeros(size, self.hidden)
