"""How many features does a network give, and how long are they? It says so itself (`out_features`), or its user."""

from __future__ import annotations

from torch import Tensor, nn

from fewsight.errors import LearnerError

FLOOR = 1e-2
"""Square of the length below which features count as nearly nothing."""


def unit(rows: Tensor) -> Tensor:
    """Rows of length 1, shorter where they are nearly 0: smooth everywhere."""
    return rows * (rows.square().sum(-1, keepdim=True) + FLOOR).rsqrt()


def of_length(rows: Tensor, length: float | None) -> Tensor:
    """Rows of that length; None: as they are."""
    return rows if length is None else length * unit(rows)


def feature_size(network: nn.Module, given: int | None, user: str) -> int:
    """D of the features `(B, D)` of `network`: what is `given`, or what the network says.

    Raises:
        LearnerError: neither says; `user` names who asks.
    """
    size = given or getattr(network, "out_features", None)
    if size is None:
        raise LearnerError(f"say how many features the network gives: {user}(network, features=D)")
    return size
