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
from fewsight.networks.channelnorm import ChannelNorm
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


class TaskNorm(ChannelNorm):
    """Normalise channels (dimension 1 of `(B, C, ...)`) by support moments blended with each input's own.

    Args:
        channels: C.
        blend: learn the blend with the input's own moments; False uses support moments alone (MetaBN).
    """

    def __init__(self, channels: int, *, blend: bool = True) -> None:
        super().__init__(channels)
        self.blend = nn.Parameter(torch.zeros(())) if blend else None

    def blended(self, mean: Tensor, square: Tensor, *, space: bool) -> tuple[Tensor, Tensor]:
        known_mean, known_square, known = self._support_moments(mean, square)
        if self.blend is None or not space:
            return known_mean, known_square
        share = torch.sigmoid(self.blend) * known
        return torch.lerp(mean, known_mean, share), torch.lerp(square, known_square, share)

    def _support_moments(self, mean: Tensor, square: Tensor) -> tuple[Tensor, Tensor, Tensor]:
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
        total = current.weight.sum()
        share = (current.weight / positive(total)).to(mean.dtype)[:, None]
        found = ((share * mean).sum(0), (share * square).sum(0), (total > 0).to(mean.dtype))
        current.moments.append(found)
        return found


def refuse_running_statistics(module: nn.Module) -> None:
    """Raise LearnerError when a layer would change its buffers in every forward pass of an inner loop.

    In evaluation mode it does not. `Frozen` keeps an encoder that does not learn in that mode.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, nn.modules.batchnorm._NormBase) and layer.running_mean is not None and layer.training:
            raise LearnerError(
                f"layer {name!r} is {type(layer).__name__} with running statistics, which an inner loop would mix "
                "between tasks: use track_running_stats=False, GroupNorm, or TaskNorm (norm='support'); one that is "
                "not to learn goes into fewsight.networks.frozen.Frozen"
            )
