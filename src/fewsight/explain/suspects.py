"""Which labels of my support set look wrong? Each example is judged by the model that adapted to all the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from fewsight.explain.crowd import Crowd, losses
from fewsight.explain.record import of_fields, plain
from fewsight.explain.target import class_names


@dataclass(frozen=True, eq=False)
class Suspects:
    """How much each label of the support is doubted, most doubted first.

    Attributes:
        players: names of the support examples.
        labels: the label each carries; in regression its value.
        looks_like: what the model, adapted to all the others, answers for it; "" where its class goes with it.
        own_loss: loss of its label under the model adapted to all the others, `(K,)`; NaN where its class goes with it.
        value: its value over labelled queries, `(K,)`; None where no query has a label.
        order: examples, the most suspect first.
    """

    players: tuple[str, ...]
    labels: tuple[str, ...]
    looks_like: tuple[str, ...]
    own_loss: np.ndarray
    value: np.ndarray | None
    order: tuple[int, ...]

    def __str__(self) -> str:
        width = max(map(len, self.players))
        lines = ["labels to check, the most suspect first:"]
        for i in self.order:
            likes = f"the others say {self.looks_like[i]}" if self.looks_like[i] else "the only one of its class"
            worth = "" if self.value is None else f", value {self.value[i]:+.4f}"
            loss = "" if np.isnan(self.own_loss[i]) else f", own loss {self.own_loss[i]:.3f}"
            lines.append(f"  {self.players[i]:<{width}} labelled {self.labels[i]}: {likes}{loss}{worth}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema "fewsight.suspects/1"."""
        return plain(of_fields(self) | {"schema": "fewsight.suspects/1"})


def suspects(own: Crowd, value: np.ndarray | None = None) -> Suspects:
    """Rank the support by doubt in its labels.

    Two signs of a wrong label: the model adapted to the others contradicts it (leave-one-out self-loss), and it harms
    labelled queries (a low value). With both, examples are ordered by the mean of the two ranks.

    Args:
        own: a crowd whose queries are the support examples themselves, in order, and whose truth is their labels.
        value: the valuation over labelled queries, `(K,)`.
    """
    diagonal = np.arange(own.support.size)
    scores = own.without_each()[diagonal, diagonal]
    loss = losses(torch.from_numpy(scores), own.truth).numpy()
    names = [str(name) for name in class_names(own.support)]
    known = ~np.isnan(scores).any(-1)

    def told(score: np.ndarray) -> str:
        return names[int(score.argmax())] if names else ", ".join(f"{v:.4g}" for v in score)

    # An example without a number is no more and no less suspect than the middle one.
    doubt = [np.where(known, loss, np.median(loss[known]) if known.any() else 0.0)]
    doubt += [] if value is None else [-value]
    ranks = np.mean([sign.argsort(kind="stable").argsort(kind="stable") for sign in doubt], axis=0)
    order = np.lexsort((-doubt[0], -ranks))
    return Suspects(
        players=own.names,
        labels=tuple(names[y] for y in own.truth.tolist()) if names else tuple(told(y) for y in own.truth.numpy()),
        looks_like=tuple(told(score) if here else "" for score, here in zip(scores, known, strict=True)),
        own_loss=loss,
        value=value,
        order=tuple(int(i) for i in order),
    )
