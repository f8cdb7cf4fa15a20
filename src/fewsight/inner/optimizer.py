"""How does one inner step turn gradients into new parameters? A pair of pure functions, which can be differentiated.

    state = optimizer.init(parameters)
    parameters, state = optimizer.update(gradients, state, parameters)

`parameters` and `gradients` are dictionaries of tensors with the same keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

Parameters = dict[str, Tensor]


class InnerOptimizer(NamedTuple):
    """An optimizer without hidden state: `init(parameters)` and `update(gradients, state, parameters)`."""

    init: Callable[[Parameters], Any]
    update: Callable[[Parameters, Any, Parameters], tuple[Parameters, Any]]
