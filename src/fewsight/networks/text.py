"""How does a text become features without any download? From character n-grams, by a small network.

Two tables see each token. *Where it is used*: vectors learned once from which words stand together in the training
texts (`cooccurrence`). *How it is written*: random projections of its n-grams, which keep what TF-IDF knows of words
never seen. N-grams count by their rarity in the training texts. What is meta-learned weighs tokens and bends the space.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewsight.networks.cooccurrence import gram_vectors
from fewsight.tree import Tree


class GramBag(torch.autograd.Function):
    """Weighted sums of rows of a fixed table: ids and weights `(..., G)` to `(..., D)`; id 0 adds nothing.

    It has no derivative. A function of its own because it is ten times as fast as a sum over looked-up rows, which
    need the memory of all.
    """

    @staticmethod
    def forward(ids: Tensor, weight: Tensor, table: Tensor) -> Tensor:
        flat = (ids.reshape(-1, ids.shape[-1]), table)
        rows = weight.to(table.dtype).reshape(-1, ids.shape[-1])
        found = F.embedding_bag(*flat, mode="sum", padding_idx=0, per_sample_weights=rows)
        return found.view(*ids.shape[:-1], table.shape[1])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None]:
        return None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, ids: Tensor, weight: Tensor, table: Tensor) -> tuple[Tensor, int]:
        return GramBag.apply(ids.movedim(in_dims[0], 0), weight.movedim(in_dims[1], 0), table), 0


class TextEncoder(nn.Module):
    """`{"ids": (B, L, G), "mask": (B, L), "size": (B,)}` to features `(B, out_features + spelling)`.

    Args:
        buckets: rows of the tables; ids are folded into them.
        usage, spelling: columns of the two tables; spelling 0: only the first.
        hidden, out_features: of the network on the first; the second joins its output as it is, times a learned scale.
        window: tokens that a token is seen with (odd); 1: order does not matter.
        dropout: share of features left out in training.
        table: "frozen", or "trained": the first table is meta-learned too (slower, and it wants more data).
    """

    rarity: Tensor
    spelling: Tensor

    def __init__(
        self,
        buckets: int = 1 << 16,
        *,
        usage: int = 128,
        spelling: int = 0,
        hidden: int = 256,
        out_features: int = 256,
        window: int = 1,
        dropout: float = 0.3,
        table: Literal["frozen", "trained"] = "frozen",
    ) -> None:
        super().__init__()
        self.buckets = buckets
        self.register_buffer("rarity", torch.ones(buckets))
        self.usage = nn.Parameter(torch.randn(buckets, usage) / usage**0.5, requires_grad=table == "trained")
        signs = torch.randn(buckets, spelling, generator=torch.Generator().manual_seed(0))
        self.register_buffer("spelling", signs, persistent=False)
        self.beside = nn.Conv1d(usage, usage, window, padding=window // 2) if window > 1 else None
        self.attention = nn.Sequential(nn.Linear(usage, 32), nn.Tanh(), nn.Linear(32, 1))
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(usage, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, out_features),
        )
        self.scale = nn.Parameter(torch.tensor(1.0)) if spelling else None
        self.out_features = out_features + spelling
        nn.init.zeros_(self.attention[-1].weight)  # type: ignore[arg-type]  # all tokens count alike at first
        nn.init.zeros_(self.attention[-1].bias)  # type: ignore[arg-type]

    def prepare(self, inputs: Iterable[Tree]) -> None:
        """Learn rarity and usage from the training texts."""
        ids = np.concatenate([self._fold(x["ids"]).to(torch.int32).numpy() for x in inputs])
        held = np.zeros(self.buckets)
        for portion in np.array_split(ids, max(1, len(ids) // 1000)):
            text = np.nonzero(portion)[0].astype(np.int64)
            pairs = np.unique(text * self.buckets + portion[portion > 0])  # twice in a text is once
            held += np.bincount(pairs % self.buckets, minlength=self.buckets)
        self.rarity.copy_(torch.from_numpy(1 + np.log((1 + len(ids)) / (1 + held))))
        vectors = gram_vectors(ids, self.buckets, self.usage.shape[1])
        self.usage.data.copy_(torch.from_numpy(vectors))

    def forward(self, x: Tree) -> Tensor:
        ids = self._fold(x["ids"])
        rarity = self.rarity[ids] * (ids > 0)
        mask = x["mask"].to(rarity.dtype)[..., None]
        share = mask / x["size"].clamp(min=1)[:, None, None]
        if self.usage.requires_grad:
            tokens = (rarity[..., None] * self.usage[ids]).sum(-2)
        else:
            tokens = GramBag.apply(ids, rarity, self.usage)
        if self.beside is not None:
            tokens = tokens + F.gelu(self.beside((tokens * mask).mT).mT)
        weighed = share * self.attention(tokens).exp()
        features = unit(self.layers(unit((weighed * tokens).sum(1))))
        if self.scale is None:
            return features
        written = unit((share * GramBag.apply(ids, rarity, self.spelling)).sum(1))
        return torch.cat([features, self.scale * written], -1)

    def _fold(self, ids: Tensor) -> Tensor:
        return torch.where(ids > 0, 1 + ids % (self.buckets - 1), 0)


def unit(rows: Tensor, floor: float = 1e-2) -> Tensor:
    """Rows of mean square 1, shrinking to 0 where they are nearly 0: smooth everywhere."""
    return rows * (rows.square().mean(-1, keepdim=True) + floor).rsqrt()
