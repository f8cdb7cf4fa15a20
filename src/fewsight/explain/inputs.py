"""How is one query seen as a row of numbers? Its floating-point leaves, flattened; whole numbers stay as they are.

An input of positions (tokens, atoms, columns) is seen as the weights of its mask: from all hidden to all there. Its
encoder is smooth in them, so that derivatives and paths in these weights say what each position is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from fewsight import tree
from fewsight.errors import ExplanationError
from fewsight.tree import Tree

MASK, SIZE = "mask", "size"


def positional(x: Tree) -> bool:
    """Whether an input is made of positions: a weight for each in "mask" `(n, L)`, and in "size" how many are real."""
    return isinstance(x, dict) and MASK in x and SIZE in x and x[MASK].is_floating_point()


@dataclass(frozen=True, eq=False)
class Inputs:
    """The numbers of one query.

    Attributes:
        query: the query `(1, ...)`.
        vector: its P floating-point numbers, `(P,)`; of positions their weights.
        shape: the shape of the query without its leading 1, where it is one tensor; else `(P,)`.
        names: "pixels" for an image, else a name for each number.
    """

    query: Tree
    vector: Tensor
    shape: tuple[int, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, query: Tree, names: tuple[str, ...] | None = None) -> Inputs:
        """The numbers of `query` `(1, ...)`.

        Args:
            names: of its numbers, or of its first positions (what comes after is padding).

        Raises:
            ExplanationError: the query has no floating-point numbers (token ids).
        """
        if positional(query):
            names = names or tuple(f"position {i}" for i in range(query[MASK].shape[1]))
            return cls(query, query[MASK][0, : len(names)].detach(), (len(names),), names)
        floats = [(path, leaf) for path, leaf in pytree.tree_leaves_with_path(query) if leaf.is_floating_point()]
        if not floats:
            raise ExplanationError(
                "the query has no floating-point numbers to attribute to (only whole numbers such as token ids): "
                "ask which support examples decided instead"
            )
        vector = torch.cat([leaf[0].detach().reshape(-1) for _, leaf in floats])
        if isinstance(query, Tensor):
            shape = tuple(query.shape[1:])
            own = ("pixels",) if len(shape) == 3 else tuple(f"input {_text(i)}" for i in np.ndindex(*shape))
            return cls(query, vector, shape, names if names and len(names) == len(own) else own)
        own = tuple(f"{pytree.keystr(path)}[{_text(i)}]" for path, leaf in floats for i in np.ndindex(*leaf.shape[1:]))
        return cls(query, vector, tuple(vector.shape), own)

    def queries(self, vectors: Tensor) -> Tree:
        """Rows `(M, P)` as queries `(M, ...)`; leaves of whole numbers are repeated."""
        if positional(self.query):
            every = tree.tree_map(lambda leaf: leaf.expand(len(vectors), *leaf.shape[1:]), self.query)
            return every | {MASK: torch.cat([vectors.to(every[MASK].dtype), every[MASK][:, vectors.shape[1] :]], 1)}
        leaves, structure = pytree.tree_flatten(self.query)
        position = 0
        built = []
        for leaf in leaves:
            if leaf.is_floating_point():
                size = leaf[0].numel()
                part = vectors[:, position : position + size]
                built.append(part.reshape(len(vectors), *leaf.shape[1:]).to(leaf.dtype))
                position += size
            else:
                built.append(leaf.expand(len(vectors), *leaf.shape[1:]))
        return pytree.tree_unflatten(built, structure)

    def baseline(self, given: Tree | None) -> Tensor:
        """The baseline as a row `(P,)`: zeros, or a query of the caller's. What is missing (NaN) stays missing."""
        row = torch.zeros_like(self.vector)
        if given is not None:
            row = torch.cat([leaf.reshape(-1) for leaf in tree.leaves(given) if leaf.is_floating_point()]).to(row)
            if row.shape != self.vector.shape:
                raise ExplanationError(
                    f"the baseline has {row.numel()} numbers but the query {self.vector.numel()}: give one such query"
                )
        return torch.where(self.vector.isnan(), self.vector, row)

    def grid(self, patch: int | None) -> tuple[int, ...]:
        """How many patches: rows and columns of an image, or the entries of the first dimension."""
        if len(self.shape) != 3:
            return self.shape[:1]
        side = self._side(patch)
        return -(-self.shape[1] // side), -(-self.shape[2] // side)

    def cells(self, patch: int | None) -> np.ndarray:
        """The patch that each number lies in, `(P,)`."""
        if len(self.shape) != 3:
            return np.repeat(np.arange(self.shape[0]), prod(self.shape[1:]))
        side, columns = self._side(patch), self.grid(patch)[1]
        row, column = np.arange(self.shape[1]) // side, np.arange(self.shape[2]) // side
        return np.tile((row[:, None] * columns + column).reshape(-1), self.shape[0])

    def shaped(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(self.shape)

    def _side(self, patch: int | None) -> int:
        if patch is not None and not 1 <= patch <= max(self.shape[1:]):
            raise ExplanationError(f"a patch of {patch} pixels does not fit an image of {self.shape[1:]}")
        return patch or max(1, round(max(self.shape[1:]) / 7))


def _text(index: tuple[int, ...]) -> str:
    return ",".join(map(str, index))
