"""How are inputs of any kind handled alike? As trees of tensors whose leaves share their first dimension.

An image batch is one tensor `(K, C, H, W)`; a text batch is `{"ids": (K, L), "mask": (K, L)}`; padded graphs, rows with
missing values and sequences are dictionaries too. Everything here maps over the leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

Tree = Any
"""A tensor, or dictionaries, lists and tuples of trees."""


def leaves(tree: Tree) -> list[Tensor]:
    return pytree.tree_leaves(tree)


def tree_map(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    return pytree.tree_map(function, tree, *others)


def length(tree: Tree) -> int:
    """Size of the first dimension, which all leaves share."""
    sizes = {leaf.shape[0] for leaf in leaves(tree)}
    if len(sizes) != 1:
        raise ValueError(f"the leaves of an input must share their first dimension, got sizes {sorted(sizes)}")
    return sizes.pop()


def take(tree: Tree, index: Any) -> Tree:
    """Rows `index` (anything a tensor can be indexed with) of every leaf."""
    return tree_map(lambda leaf: leaf[index], tree)


def concat(trees: Sequence[Tree]) -> Tree:
    """Trees of one structure, one after the other along the first dimension."""
    return tree_map(lambda *parts: torch.cat(parts), *trees)


def pad(tree: Tree, size: int) -> Tree:
    """Repeat the first row at the end of every leaf until it has `size` rows.

    A real row, not zeros, so that an encoder never meets an input it was not made for; a weight of 0 hides it.
    """
    return tree_map(lambda leaf: torch.cat([leaf, leaf[:1].expand(size - leaf.shape[0], *leaf.shape[1:])]), tree)


def to(tree: Tree, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Tree:
    """Move every leaf to `device`, and its floating-point leaves to `dtype`."""

    def move(leaf: Tensor) -> Tensor:
        return leaf.to(device=device, dtype=dtype if leaf.is_floating_point() else None)

    return tree_map(move, tree)


def float_dtype(tree: Tree) -> torch.dtype:
    """The dtype of the first floating-point leaf (float32 where there is none: token ids)."""
    return next((leaf.dtype for leaf in leaves(tree) if leaf.is_floating_point()), torch.get_default_dtype())
