"""A plain multi-layer perceptron; 1-40-40-1 is the network of MAML's sinusoid experiment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


class MLP(nn.Module):
    """Rows `(B, ...)`, flattened, to `(B, widths[-1])`.

    Args:
        widths: sizes of the input, the hidden layers and the output.
        activation: "relu", "tanh" or "gelu", between the layers (none after the last).
    """

    def __init__(self, widths: Sequence[int], activation: str = "relu") -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers[:-1])
        self.out_features = widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(1))
