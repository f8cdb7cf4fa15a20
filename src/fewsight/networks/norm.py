"""How can a network normalise by batch statistics and still keep queries apart? By the *support's* statistics.

Ordinary batch normalisation lets queries see each other, and lets an example of weight 0 leak into the others. A
`TaskNorm` layer takes weighted moments of the support set and applies those same moments to every query (MetaBN),
blended with each input's own moments by a learned factor (TaskNorm-I; Bronskill et al. 2020, equations 7-9), which
helps when the support is tiny and defines the layer when it is empty. `transductive=True` in a learner normalises
queries by the batch of queries instead, as the MAML paper did: only for comparison.

The layers need to know what they are looking at. A learner says so with `embed_support` and `embed_query`; the
moments travel between the two as an ordinary value, so everything stays a pure function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from fewsight import tree
from fewsight.errors import LearnerError
from fewsight.task import positive
from fewsight.tree import Tree

Moments = list[tuple[Tensor, Tensor, Tensor]]
"""For each TaskNorm layer in the order of calls: mean and mean square `(C,)`, and 1 if any example had weight."""


@dataclass
class _Pass:
    weight: Tensor | None = None
    moments: Moments = field(default_factory=list)
    position: int = 0


_current: ContextVar[_Pass | None] = ContextVar("fewsight_norm_pass", default=None)


@contextmanager
def _entered(current: _Pass) -> Iterator[_Pass]:
    token = _current.set(current)
    try:
        yield current
    finally:
        _current.reset(token)


def embed_support(network: Callable[[Tree], Tensor], x: Tree, weight: Tensor) -> tuple[Tensor, Moments]:
    """Run `network` on support inputs `(K, ...)`; also return the weighted moments its TaskNorm layers met."""
    with _entered(_Pass(weight=weight)) as current:
        return network(x), current.moments


def embed_query(network: Callable[[Tree], Tensor], x: Tree, moments: Moments | None) -> Tensor:
    """Run `network` on queries `(Q, ...)` under the support's moments; None: under the queries' own (transductive)."""
    if moments is None:
        ones = torch.ones(tree.length(x), dtype=tree.float_dtype(x), device=tree.leaves(x)[0].device)
        return embed_support(network, x, ones)[0]
    with _entered(_Pass(moments=moments)):
        return network(x)


class TaskNorm(nn.Module):
    """Normalise channels (dimension 1 of `(B, C, ...)`) by support moments blended with each input's own.

    Args:
        channels: C.
        blend: learn the blend with the input's own moments; False uses support moments alone (MetaBN).
    """

    def __init__(self, channels: int, *, blend: bool = True, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.blend = nn.Parameter(torch.zeros(())) if blend else None
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        mean, square, known = self._support_moments(x)
        if self.blend is not None and x.ndim > 2:
            share = torch.sigmoid(self.blend) * known
            means, squares = _own_moments(x)
            mean, square = torch.lerp(means, mean, share), torch.lerp(squares, square, share)
        variance = (square - mean.square()).clamp(min=0)
        scale = self.weight * (variance + self.epsilon).rsqrt()
        shift = self.bias - mean * scale
        view = (-1, x.shape[1]) + (1,) * (x.ndim - 2)
        return torch.addcmul(shift.to(x.dtype).view(view), x, scale.to(x.dtype).view(view))

    def _support_moments(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        current = _current.get()
        if current is None:
            raise LearnerError(
                "a TaskNorm layer was called outside a learner: it needs to know which inputs are the support; "
                "call the network through `embed_support` / `embed_query`, or use norm='group'"
            )
        if current.weight is None:
            found = current.moments[current.position]
            current.position += 1
            return found
        means, squares = _own_moments(x)
        total = current.weight.sum()
        share = (current.weight / positive(total)).to(means.dtype)[:, None]
        found = ((share * means).sum(0), (share * squares).sum(0), (total > 0).to(means.dtype))
        current.moments.append(found)
        return found


def _own_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and mean square of each input over its positions, `(B, C)`; never in reduced precision."""
    exact = torch.promote_types(x.dtype, torch.float32)
    if x.ndim == 2:
        return x.to(exact), x.to(exact).square()
    space = tuple(range(2, x.ndim))
    return x.mean(space, dtype=exact), x.square().mean(space, dtype=exact)
