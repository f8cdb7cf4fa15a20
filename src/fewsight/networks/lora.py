"""How is a large network adapted with few parameters? A low-rank change beside its frozen linear layers (LoRA).

Hu et al. 2022, equation 3: W x + (alpha / r) B A x with A random and B = 0, so that training starts at the network.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fewsight.errors import RecipeError


class LoRA(nn.Module):
    """A frozen linear layer with a trainable change of rank `rank`; scale `alpha / rank` with alpha = 2 rank."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + 2 * (x @ self.down.mT @ self.up.mT)


def add_lora(network: nn.Module, rank: int, names: Sequence[str]) -> int:
    """Freeze `network` and put a change beside each linear layer whose last name is among `names`; their number.

    Raises:
        RecipeError: there is none.
    """
    network.requires_grad_(False)
    found = [
        (parent, child)
        for parent in network.modules()
        for child, layer in parent.named_children()
        if isinstance(layer, nn.Linear) and child in names
    ]
    if not found:
        known = {path.rpartition(".")[2] for path, layer in network.named_modules() if isinstance(layer, nn.Linear)}
        raise RecipeError(f"no linear layer is named {' or '.join(names)}: choose among {', '.join(sorted(known))}")
    for parent, child in found:
        setattr(parent, child, LoRA(getattr(parent, child), rank))
    return len(found)
