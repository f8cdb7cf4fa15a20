"""Which picture suits the values of an explanation? Bars, panels or a plane, by their shape and the players' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fewsight.explain.plot.bars import Bars
from fewsight.explain.plot.panels import Panels
from fewsight.explain.plot.plane import Plane

if TYPE_CHECKING:
    from fewsight.explain.explanation import Explanation


class Form(Protocol):
    """A picture that can be drawn on axes, and the height that suits a width, both in inches."""

    def height(self, width: float) -> float: ...
    def draw(self, axes: Any) -> None: ...


def form(explanation: Explanation) -> Form:
    """The form in which `explanation` is drawn."""
    values, players = np.asarray(explanation.values, dtype=float), explanation.players
    if values.ndim == 2 and players[:2] and all(name.endswith((", across", ", up")) for name in players):
        return Plane(values, tuple(name.removesuffix(", across") for name in players[::2]), explanation)
    if players == ("pixels",):
        values = values.sum(0) if values.ndim == 3 else values
    if values.ndim == 1 or (values.ndim == 2 and 1 in values.shape):
        named = players if len(players) == values.size else tuple(map(str, range(values.size)))
        return Bars(values.reshape(-1), named, explanation)
    if values.ndim == 4:  # channels of images
        values = values.sum(1)
    return Panels.of(values, players)
