"""How does a text become features without any download? From character n-grams, by a small network.

Each token is seen twice, or three times. *Where it is used*: vectors of its n-grams, learned once from which words
stand together in the training texts (`cooccurrence`). *How it is written*: its n-grams themselves, hashed into a row
of signed counts (Weinberger et al. 2009), which keeps what TF-IDF knows of words never seen. *Which training classes
use it* (`groupshares`), left out while training, where it would give the answer away. N-grams count by their rarity
in the training texts, and what all texts have in common can be taken away: else a text that resembles every other is
near to every query ("hubs", Radovanovic et al. 2010). What is meta-learned bends the space. (Learned weights of
tokens were tried and fit the training classes only.)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewsight.errors import RecipeError
from fewsight.networks.cooccurrence import gram_vectors
from fewsight.networks.features import unit
from fewsight.networks.groupshares import gram_profiles, texts_with
from fewsight.tree import Tree

LENGTH = 3.0
"""Of the features at first: squared distances up to 36 make a softmax neither flat nor hard."""
SHARES = 0.15
"""What the shares of classes count in an inner product, beside 1 of use and 1 of spelling: chosen on folds of
HuffPost's training and validation classes (0.3 is nearly as good). Learned in training, it would be too much."""


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
    """`{"ids": (B, L, G), "mask": (B, L), "size": (B,)}` to features `(B, usage + spelling + shares)` of one length.

    A text is the mean of its tokens, less that of the training texts (where `centred`), each part with
    length 1; a residual network bends it. Before training the network does nothing: an untrained learner compares
    texts by the parts as they are.

    Args:
        buckets: rows of the table of n-grams; ids are folded into them.
        usage, spelling, shares: features of the parts; spelling or shares 0: without that part. More classes than
            shares are kept approximately.
        hidden: width of the network.
        window: tokens that a token is seen with (odd); 1: order does not matter.
        dropout: share of features left out in training.
        centred: whether the mean of the training texts is taken away; wrong where other texts are to be read than
            those of training (newspapers, then an encyclopedia).
        bent: "all" but shares, or "usage": spelling stays as it is, beside what the network makes of use (better where
            spelling is wide and classes are broad).
        table: "frozen", or "trained": the vectors of use are meta-learned too (slower, and it wants more data).
    """

    rarity: Tensor
    usage: Tensor
    shares: Tensor | None
    common: Tensor

    def __init__(
        self,
        buckets: int = 1 << 16,
        *,
        usage: int = 128,
        spelling: int = 0,
        shares: int = 0,
        hidden: int = 256,
        window: int = 1,
        dropout: float = 0.3,
        centred: bool = True,
        bent: Literal["all", "usage"] = "all",
        table: Literal["frozen", "trained"] = "frozen",
    ) -> None:
        super().__init__()
        if window % 2 == 0:
            raise RecipeError(f"window = {window}: a token in the middle wants an odd number, such as {window + 1}")
        self.buckets, self.parts = buckets, [usage, spelling, shares]
        self.out_features = sum(self.parts)
        self.centred = centred
        self.register_buffer("rarity", torch.ones(buckets))
        self.register_buffer("common", torch.zeros(self.out_features))
        used = torch.randn(buckets, usage) / usage**0.5
        if table == "trained":
            self.usage = nn.Parameter(used)
        else:
            self.register_buffer("usage", used)
        self.register_buffer("shares", torch.zeros(buckets, shares) if shares else None)
        self.beside = nn.Conv1d(usage, usage, window, padding=window // 2) if window > 1 else None
        self.bent = usage + spelling if bent == "all" else usage
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(self.bent, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, self.bent),
        )
        self.balance = nn.Parameter(torch.ones(2))
        self.length = nn.Parameter(torch.tensor(LENGTH))
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]

    def prepare(self, inputs: Iterable[Tree]) -> None:
        """Learn rarity, usage, shares and what is common from the training texts, a portion of each class."""
        portions = [x["ids"].to(torch.int32) for x in inputs]
        texts = torch.cat(portions)
        ids = self._fold(texts).numpy()
        groups = [texts] if self.shares is None else portions
        held = np.stack([texts_with(self._fold(group).numpy(), self.buckets) for group in groups], 1)
        self.rarity.copy_(torch.from_numpy(1 + np.log((1 + len(ids)) / (1 + held.sum(1)))))
        vectors = gram_vectors(ids, self.buckets, self.usage.shape[1])
        self.usage.data.copy_(torch.from_numpy(vectors))
        if self.shares is not None:
            self.shares.copy_(torch.from_numpy(gram_profiles(held, self.parts[2])))
        if not self.centred:
            return
        with torch.no_grad():
            sums = [self._seen(_whole(portion)).sum(0) for portion in texts.split(1000)]
            self.common.copy_(torch.stack(sums).sum(0) / len(texts))

    def forward(self, x: Tree) -> Tensor:
        there = x["mask"].to(self.common.dtype).sum(1, keepdim=True) / x["size"].clamp(min=1)[:, None]
        parts = (self._seen(x) - there * self.common).split(self.parts, -1)
        weights = [*self.balance, 0.0 if self.training else SHARES**0.5]
        text = torch.cat([weight * unit(part) for weight, part in zip(weights, parts, strict=True)], -1)
        scale = self.bent**0.5  # the layers work on numbers around 1
        change = self.layers(text[:, : self.bent] * scale) / scale
        return self.length * unit(text + F.pad(change, (0, self.out_features - self.bent)))

    def _seen(self, x: Tree) -> Tensor:
        """Use, spelling and shares, each of length 1, `(B, usage + spelling + shares)`."""
        ids = self._fold(x["ids"])
        rarity = self.rarity[ids] * (ids > 0)
        mask = x["mask"].to(rarity.dtype)[..., None]
        if "usage" in self._parameters:
            used = (rarity[..., None] * self.usage[ids]).sum(-2)
        else:
            used = GramBag.apply(ids, rarity, self.usage)
        if self.beside is not None:
            used = used + F.gelu(self.beside((used * mask).mT).mT)
        share = mask / x["size"].clamp(min=1)[:, None, None]
        parts = [unit((share * used).sum(1))]
        if self.parts[1]:
            parts.append(unit(self._written(x["ids"], share * rarity)))
        if self.shares is not None:
            parts.append(unit((share * GramBag.apply(ids, rarity, self.shares)).sum(1)))
        return torch.cat(parts, -1)

    def _written(self, ids: Tensor, weight: Tensor) -> Tensor:
        """Sums of `weight` `(B, L, G)` with a sign and at a place that the id decides, `(B, spelling)`."""
        places = self.parts[1]
        signed = torch.where(ids // places % 2 > 0, weight, -weight).flatten(1)
        return weight.new_zeros(len(ids), places).scatter_add(1, (ids % places).flatten(1), signed)

    def _fold(self, ids: Tensor) -> Tensor:
        return torch.where(ids > 0, 1 + ids % (self.buckets - 1), 0)


def _whole(ids: Tensor) -> Tree:
    """Texts `(n, L, G)` of which nothing is hidden."""
    mask = (ids[..., 0] > 0).to(torch.float32)
    return {"ids": ids.long(), "mask": mask, "size": mask.sum(1)}
