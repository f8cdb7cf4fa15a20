"""How does a row of a table become features? By a network for fixed columns, or one that takes any set of them.

Rows are `{"cells": (B, C, W), "mask": (B, C), "size": (B,)}`; see `domains.rows`. Both networks multiply cells by the
mask, so that what is missing has no influence, and are smooth in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fewsight.networks.mlp import ACTIVATIONS, MLP
from fewsight.tree import Tree


class RowMLP(nn.Module):
    """A multi-layer perceptron on all cells and on what is there: columns that mean the same in every task.

    Args:
        columns, width: C and W.
        hidden: sizes of the layers, each followed by its activation.
    """

    def __init__(self, columns: int, width: int, hidden: Sequence[int], activation: str = "relu") -> None:
        super().__init__()
        self.mlp = MLP([columns * (width + 1), *hidden], activation)
        self.last = ACTIVATIONS[activation]()
        self.out_features = hidden[-1]

    def forward(self, x: Tree) -> Tensor:
        mask = x["mask"].to(x["cells"].dtype)[..., None]
        return self.last(self.mlp(torch.cat([x["cells"] * mask, mask], -1)))


class RowSet(nn.Module):
    """z = sum_c m_c phi(cell_c) * s_c / sqrt(size), then z + mlp(z); s_c are fixed random signs of position c.

    The learned phi is shared by all columns, so their number is free. The signs bind values to columns: inner products
    of two rows are sums over columns of <phi(a_c), phi(b_c)>, but for noise, as in a random projection (Kanerva 2009,
    "Hyperdimensional Computing", calls it binding; sums over a set are Deep Sets, Zaheer et al. 2017).

    Args:
        columns, width: C and W.
        features: D.
    """

    signs: Tensor

    def __init__(self, columns: int, width: int, features: int = 128, hidden: int = 64) -> None:
        super().__init__()
        self.enter = nn.Linear(width, features)
        self.phi = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, features))
        self.mlp = nn.Sequential(nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, features))
        for branch in (self.phi[2], self.mlp[2]):  # it starts as a random projection of the row
            nn.init.zeros_(branch.weight)  # type: ignore[arg-type]
            nn.init.zeros_(branch.bias)  # type: ignore[arg-type]
        fixed = torch.Generator().manual_seed(0)
        self.register_buffer("signs", 2.0 * torch.randint(0, 2, (columns, features), generator=fixed) - 1)
        self.out_features = features

    def forward(self, x: Tree) -> Tensor:
        mask = x["mask"].to(x["cells"].dtype)[..., None]
        cells = x["cells"] * mask
        held = (self.enter(cells) + self.phi(cells)) * mask * self.signs.to(cells.dtype)
        z = held.sum(1) / x["size"].clamp(min=1).to(cells.dtype)[:, None].sqrt()
        return z + self.mlp(z)
