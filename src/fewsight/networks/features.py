"""How many features does a network give? It says so itself (`out_features`), or whoever uses it does."""

from __future__ import annotations

from torch import nn

from fewsight.errors import LearnerError


def feature_size(network: nn.Module, given: int | None, user: str) -> int:
    """D of the features `(B, D)` of `network`: what is `given`, or what the network says.

    Raises:
        LearnerError: neither says; `user` names who asks.
    """
    size = given or getattr(network, "out_features", None)
    if size is None:
        raise LearnerError(f"say how many features the network gives: {user}(network, features=D)")
    return size
