"""Which networks see molecules? A fingerprint with an MLP, message passing over bonds, and both together.

All take the tree of `domains.molecules` and treat its mask as a weight of each atom. A substructure is present by the
product of its atoms' weights, the multilinear extension of "all its atoms are there": integrated gradients along the
mask then share it equally among them, as Shapley's value does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from fewsight.networks.mlp import MLP
from fewsight.tree import Tree

TINY = 1e-12
"""Added to weights under a logarithm; what is hidden is then present by 1e-12 at most."""
BONDS = 4
"""Codes of bonds: single, double, triple, aromatic."""


def presence(edges: Tensor, mask: Tensor, radius: int) -> Tensor:
    """How far each environment is there, `(n, L, R + 1)`: the product of the weights of all atoms within r bonds.

    Args:
        edges: `(n, L, L)` codes of bonds, 0 for none.
        mask: `(n, L)` weights in [0, 1].
    """
    steps = (edges > 0).to(mask.dtype)
    steps.diagonal(dim1=-2, dim2=-1).fill_(1)
    logarithm, found, within = (mask + TINY).log()[..., None], [mask], steps
    for step in range(radius):
        if step:
            within = (within @ steps > 0).to(mask.dtype)
        found.append((within @ logarithm)[..., 0].exp())
    return torch.stack(found, -1)


def folded(x: Tree, bits: int) -> Tensor:
    """Counts of the environments that are there, `(n, bits)`: each at its identifier modulo `bits`, as RDKit folds."""
    there = presence(x["edges"], x["mask"], x["environments"].shape[-1] - 1) * (x["environments"] >= 0)
    place = x["environments"].remainder(bits).flatten(1)
    return torch.zeros(*place.shape[:1], bits, dtype=there.dtype, device=there.device).scatter_add(
        1, place, there.flatten(1)
    )


def summed(x: Tree) -> Tensor:
    """Whole-molecule descriptors `(n, F)`: the sum of what its atoms are and contribute, each by its weight."""
    return (x["nodes"] * x["mask"][..., None]).sum(-2)


class Scaled(nn.Module):
    """Descriptors to mean 0 and deviation 1 over the training molecules, and what is far out drawn in."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    def prepare(self, inputs: Iterable[Tree]) -> None:
        rows = torch.cat([summed(part).double() for part in inputs])
        self.mean.copy_(rows.mean(0))
        self.deviation.copy_(rows.std(0).clamp(min=1e-3))

    def forward(self, x: Tree) -> Tensor:
        return 3 * torch.tanh((summed(x) - self.mean) / self.deviation / 3)


class FingerprintEncoder(nn.Module):
    """Folded counts, and descriptors beside them, through an MLP: `(n, widths[-1])`.

    Args:
        features: F of the nodes.
        bits: of the fingerprint.
        widths: of the MLP's layers.
        descriptors: whether summed atom contributions enter too.
        dropout: share of the fingerprint's places left out at each step of training.
    """

    def __init__(
        self,
        features: int,
        bits: int = 2048,
        widths: Sequence[int] = (256, 128),
        descriptors: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.bits = bits
        self.descriptors = Scaled(features) if descriptors else None
        self.dropout = nn.Dropout(dropout)
        self.mlp = MLP([bits + features * descriptors, *widths])
        self.out_features = widths[-1]

    def prepare(self, inputs: Iterable[Tree]) -> None:
        if self.descriptors is not None:
            self.descriptors.prepare(inputs)

    def forward(self, x: Tree) -> Tensor:
        rows = self.dropout(folded(x, self.bits).log1p())
        if self.descriptors is not None:
            rows = torch.cat([rows, self.descriptors(x)], -1)
        return self.mlp(rows)


class GraphNetwork(nn.Module):
    """Rounds of message passing over bonds, each kind of bond with its own weights, then a mean over atoms.

    Args:
        features: F of the nodes.
        hidden: width of an atom's state, and of the result.
        rounds: how many bonds far an atom sees.
    """

    def __init__(self, features: int, hidden: int = 64, rounds: int = 3) -> None:
        super().__init__()
        self.enter = nn.Linear(features, hidden)
        self.messages = nn.ModuleList(nn.Linear(BONDS * hidden, hidden) for _ in range(rounds))
        self.updates = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(rounds))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(rounds))
        self.leave = nn.Linear(2 * hidden, hidden)
        self.out_features = hidden

    def forward(self, x: Tree) -> Tensor:
        mask = x["mask"][..., None]
        kinds = torch.stack([x["edges"] == code for code in range(1, BONDS + 1)], -3).to(mask.dtype)
        hidden = torch.relu(self.enter(x["nodes"]))
        for message, update, norm in zip(self.messages, self.updates, self.norms, strict=True):
            heard = kinds @ (mask * hidden)[..., None, :, :]  # (n, bonds, L, hidden)
            told = message(heard.movedim(-3, -2).flatten(-2))
            hidden = hidden + torch.relu(update(torch.cat([norm(hidden), told], -1)))
        total = (mask * hidden).sum(-2)
        mean = total / x["size"].clamp(min=1)[..., None].to(total.dtype)
        return self.leave(torch.cat([mean, total / 20], -1))


class MoleculeEncoder(nn.Module):
    """Fingerprint and graph side by side, then a layer over both."""

    def __init__(self, fingerprint: FingerprintEncoder, graph: GraphNetwork, out_features: int = 128) -> None:
        super().__init__()
        self.fingerprint, self.graph = fingerprint, graph
        self.join = nn.Linear(fingerprint.out_features + graph.out_features, out_features)
        self.out_features = out_features

    def prepare(self, inputs: Iterable[Tree]) -> None:
        self.fingerprint.prepare(inputs)

    def forward(self, x: Tree) -> Tensor:
        return self.join(torch.relu(torch.cat([self.fingerprint(x), self.graph(x)], -1)))
