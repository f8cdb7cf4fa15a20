"""What are the parts of an input, that can be hidden or put in another's place?

An image has patches, a row or series its entries, and whatever carries a mask (tokens, sequences, graphs) its
positions: a hidden position is one that the mask no longer counts, which is how the house's encoders say "not there".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.explain.inputs import MASK, Inputs
from fewsight.tree import Tree


@dataclass(frozen=True, eq=False)
class Parts:
    """The P parts of one input.

    Attributes:
        x: the input `(1, ...)`.
        shape: how the parts lie: rows and columns of patches, or `(P,)`.
        names: one for each part.
        cells: the part that each number lies in, `(numbers,)`; None where parts are positions under a mask.
    """

    x: Tree
    shape: tuple[int, ...]
    names: tuple[str, ...]
    cells: np.ndarray | None

    @classmethod
    def of(cls, x: Tree, patch: int | None = None, names: tuple[str, ...] | None = None) -> Parts:
        """The parts of `x` `(1, ...)`.

        Args:
            patch: side of an image's patches in pixels; default a seventh of the image.
            names: of the entries of a row, or of the first positions under a mask (what comes after is padding).
        """
        if isinstance(x, dict) and MASK in x:
            names = names or tuple(f"position {i}" for i in range(x[MASK].shape[1]))
            return cls(x, (len(names),), names, None)
        inputs = Inputs.of(x)
        shape = inputs.grid(patch)
        word = "patch" if len(shape) > 1 else "input"
        own = tuple(f"{word} {','.join(map(str, index))}" for index in np.ndindex(*shape))
        return cls(x, shape, names if names and len(names) == len(own) else own, inputs.cells(patch))

    @property
    def real(self) -> np.ndarray:
        """Which parts hold anything, `(P,)` bool: positions under the mask, or parts that are not missing (NaN)."""
        if self.cells is None:
            return self.x[MASK][0, : len(self.names)].bool().cpu().numpy()
        known = ~Inputs.of(self.x).vector.isnan().cpu().numpy()
        return np.bincount(self.cells, weights=known, minlength=len(self.names)) > 0

    def hidden(self, masks: np.ndarray) -> Tree:
        """The input with parts hidden, once for each row of masks `(M, P)` of hidden parts: `(M, ...)`.

        Numbers become 0 (missing ones stay missing); positions leave the mask.
        """
        if self.cells is None:
            padding = self.x[MASK].shape[1] - masks.shape[1]
            hide = torch.from_numpy(np.pad(masks, ((0, 0), (0, padding))))
            shown = {name: leaf.expand(len(masks), *leaf.shape[1:]) for name, leaf in self.x.items()}
            return shown | {MASK: torch.where(hide.to(self.x[MASK].device), 0, self.x[MASK]).to(self.x[MASK].dtype)}
        inputs = Inputs.of(self.x)
        where = torch.from_numpy(masks)[:, torch.from_numpy(self.cells)].to(inputs.vector.device)
        return inputs.queries(torch.where(where, inputs.baseline(None), inputs.vector))

    @property
    def fixed(self) -> bool:
        """Whether each part has one place only: patches, entries of a row, columns of a table."""
        return self.cells is not None or "cells" in self.x

    def swapped(self, donor: Parts, swaps: np.ndarray) -> Tree:
        """The input with parts taken from a donor of the same kind: `(M, ...)`.

        Args:
            swaps: `(M, P)` int: the donor's part that takes the place of each part, -1 to keep it. Patches and entries
                of a row have one place only, so there it is the part itself; tokens and steps may come from anywhere.

        Raises:
            ExplanationError: parts that cannot be exchanged: positions that others refer to (the edges of a graph).
        """
        if self.cells is None:
            length = self.x[MASK].shape[1]
            if any(leaf.ndim > 2 and leaf.shape[2] == length for leaf in self.x.values()):
                raise ExplanationError("the nodes of a graph cannot be exchanged one by one: their edges would not fit")
            take = torch.from_numpy(np.pad(swaps, ((0, 0), (0, length - swaps.shape[1])), constant_values=-1))
            return {name: _exchanged(self.x[name], donor.x[name], take) for name in self.x}
        mine, theirs = Inputs.of(self.x), Inputs.of(donor.x)
        where = torch.from_numpy(swaps >= 0)[:, torch.from_numpy(self.cells)].to(mine.vector.device)
        return mine.queries(torch.where(where, theirs.vector, mine.vector))


def _exchanged(mine: Tensor, theirs: Tensor, take: Tensor) -> Tensor:
    """Positions (dimension 1) of `mine` replaced by those positions of `theirs` that `take` `(M, L)` names."""
    if mine.ndim < 2:  # the number of positions stays
        return mine.expand(len(take))
    take = take.to(mine.device)
    given = theirs[0][take.clamp(min=0)]
    keep = (take < 0).reshape(*take.shape, *[1] * (mine.ndim - 2))
    return torch.where(keep, mine, given)
