"""Small encoders for inputs that are not images: token ids, padded graphs, rows with gaps, sequences.

Each takes the tree of tensors that is the house's form of that input and returns features `(B, out_features)`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewsight.task import positive
from fewsight.tree import Tree


class TokenEncoder(nn.Module):
    """`{"ids": (B, L) int, "mask": (B, L)}` to the mean of a learned layer over the real tokens."""

    def __init__(self, vocabulary: int, out_features: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, out_features)
        self.layer = nn.Linear(out_features, out_features)
        self.out_features = out_features

    def forward(self, x: Tree) -> Tensor:
        return masked_mean(torch.tanh(self.layer(self.embedding(x["ids"]))), x["mask"])


class GraphEncoder(nn.Module):
    """`{"nodes": (B, n, F), "edges": (B, n, n), "mask": (B, n)}` by rounds of message passing, mean over real nodes."""

    def __init__(self, node_features: int, out_features: int = 32, rounds: int = 2) -> None:
        super().__init__()
        self.enter = nn.Linear(node_features, out_features)
        self.rounds = nn.ModuleList(nn.Linear(2 * out_features, out_features) for _ in range(rounds))
        self.out_features = out_features

    def forward(self, x: Tree) -> Tensor:
        mask = x["mask"].to(x["nodes"].dtype)
        edges = x["edges"] * mask[:, :, None] * mask[:, None, :]
        hidden = torch.tanh(self.enter(x["nodes"]))
        for layer in self.rounds:
            hidden = torch.tanh(layer(torch.cat([hidden, edges @ hidden], -1)))
        return masked_mean(hidden, mask)


class RowEncoder(nn.Module):
    """Feature rows `(B, F)` in which NaN marks a missing value: a layer over values and over what is missing."""

    def __init__(self, features: int, out_features: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * features, out_features), nn.Tanh())
        self.out_features = out_features

    def forward(self, x: Tensor) -> Tensor:
        missing = torch.isnan(x)
        return self.layers(torch.cat([torch.where(missing, 0.0, x), missing.to(x.dtype)], -1))


class SequenceEncoder(nn.Module):
    """`{"steps": (B, T, F), "mask": (B, T)}` by a convolution over time, mean over the real steps."""

    def __init__(self, step_features: int, out_features: int = 32, width: int = 3) -> None:
        super().__init__()
        self.layer = nn.Conv1d(step_features, out_features, width, padding=width // 2)
        self.out_features = out_features

    def forward(self, x: Tree) -> Tensor:
        mask = x["mask"].to(x["steps"].dtype)
        hidden = torch.tanh(self.layer((x["steps"] * mask[..., None]).mT))
        return masked_mean(hidden.mT, mask)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `(B, L, F)` over the positions where `mask` `(B, L)` is set; 0 where none is."""
    mask = mask.to(values.dtype)
    return (values * mask[..., None]).sum(1) / positive(mask.sum(1, keepdim=True))
