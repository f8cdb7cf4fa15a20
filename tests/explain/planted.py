"""Tasks whose label depends on a planted patch, and a network that sees nothing else: the truth is known.

A network of matched filters for 16 orthogonal patterns of 4 x 4 pixels, average-pooled: the class of an image is which
pattern lies somewhere on its grid of 4 x 4 cells. One more pattern lies in every image, and means nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import hadamard
from torch import Tensor, nn

from fewsight.task import Support

PATTERNS = torch.from_numpy(hadamard(16).astype(np.float64)).reshape(16, 1, 4, 4)
EVERYWHERE = 15
CELLS = 4


class MatchedFilters(nn.Module):
    """Images `(B, 1, 16, 16)` to how much of each pattern is there, `(B, 16)`; or for each cell, flattened."""

    def __init__(self, pooled: bool = True) -> None:
        super().__init__()
        self.filters = nn.Conv2d(1, 16, 4, stride=4, bias=False)
        self.filters.weight.data = PATTERNS / 2
        self.activation = nn.ReLU()
        self.pooled = pooled
        self.out_features = 16 if pooled else 16 * CELLS**2

    def forward(self, x: Tensor) -> Tensor:
        seen = self.activation(self.filters(x) - 2)
        return seen.mean((2, 3)) if self.pooled else seen.flatten(1)


def image(pattern: int, generator: torch.Generator, *, distract: bool = True) -> tuple[Tensor, int]:
    """An image `(1, 16, 16)` of faint noise with the pattern in a random cell, and which cell."""
    x = 0.05 * torch.randn(1, 16, 16, dtype=torch.float64, generator=generator)
    cell, other = torch.randperm(CELLS**2, generator=generator)[:2].tolist()
    for here, which, strength in ((cell, pattern, 1.0), (other, EVERYWHERE, 0.5))[: 2 if distract else 1]:
        row, column = divmod(here, CELLS)
        x[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += strength * PATTERNS[which, 0]
    return x, cell


def task(
    seed: int, ways: int = 3, shots: int = 2, *, distract: bool = True
) -> tuple[Support, list[int], Tensor, int, int]:
    """Support, the cell of each example's pattern; a query, its cell and its class."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(EVERYWHERE, generator=generator)[:ways].tolist()
    made = [image(pattern, generator, distract=distract) for pattern in chosen for _ in range(shots)]
    truth = int(torch.randint(ways, (1,), generator=generator))
    query, cell = image(chosen[truth], generator, distract=distract)
    support = Support.of(torch.stack([x for x, _ in made]), [f"c{c}" for c in range(ways) for _ in range(shots)])
    return support, [where for _, where in made], query[None], cell, truth
