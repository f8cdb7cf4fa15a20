"""What number is explained? A scalar target s(scores): a margin, a contrast, a probability, a loss or a value."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fewsight.errors import ExplanationError, suggest
from fewsight.task import Support

KINDS = ("margin", "log_odds", "contrast", "probability", "loss", "value")


@dataclass(frozen=True, eq=False)
class Target:
    """A scalar function of the scores of one query.

    Attributes:
        kind: one of `KINDS`.
        index: the class (or, in regression, the output) it speaks of.
        other: the second class of a contrast.
        description: what it is, in words.
        function: scores `(..., N)` -> `(...)`.
        survives: whether it keeps its meaning when a class has no example left (its probability is then 0).
    """

    kind: str
    index: int
    other: int | None
    description: str
    function: Callable[[Tensor], Tensor]
    survives: bool = False

    def __call__(self, scores: Tensor) -> Tensor:
        return self.function(scores)


def margin(c: int, labels: tuple[str, ...]) -> Target:
    """z_c - logsumexp of the other scores: the log-odds of class c. Needs at least two classes."""
    if len(labels) < 2:
        raise ExplanationError("the task has one class, so nothing speaks against it: give at least two classes")

    def function(scores: Tensor) -> Tensor:
        others = torch.arange(scores.shape[-1], device=scores.device) != c
        return scores[..., c] - scores.masked_fill(~others, -torch.inf).logsumexp(-1)

    return Target("margin", c, None, f"margin of {labels[c]!r} over all others (its log-odds)", function)


def contrast(c: int, other: int, labels: tuple[str, ...]) -> Target:
    """z_c - z_c'."""
    if c == other:
        raise ExplanationError(f"a contrast needs two different classes, got {labels[c]!r} twice")
    text = f"score of {labels[c]!r} minus score of {labels[other]!r}"
    return Target("contrast", c, other, text, lambda scores: scores[..., c] - scores[..., other])


def probability(c: int, labels: tuple[str, ...]) -> Target:
    """softmax(z)_c."""
    text = f"probability of {labels[c]!r}"
    return Target("probability", c, None, text, lambda scores: scores.softmax(-1)[..., c], survives=True)


def loss(c: int, labels: tuple[str, ...]) -> Target:
    """Cross-entropy when c is the truth: -log softmax(z)_c. What helps the learner has a negative value."""
    text = f"loss if {labels[c]!r} is the truth (negative values help)"
    return Target("loss", c, None, text, lambda scores: -scores.log_softmax(-1)[..., c])


def value(output: int, outputs: int = 1) -> Target:
    """Regression: the predicted value of one of `outputs`."""
    text = "predicted value" if outputs == 1 else f"predicted value of output {output}"
    return Target("value", output, None, text, lambda scores: scores[..., output], survives=True)


def squared_error(truth: Tensor) -> Target:
    """Regression: mean squared error against the true values `(d,)`. What helps has a negative value."""
    text = f"squared error against {truth.tolist()} (negative values help)"
    return Target("loss", 0, None, text, lambda scores: (scores - truth.to(scores)).square().mean(-1), survives=True)


def class_names(support: Support) -> tuple[Hashable, ...]:
    """The labels in the order of the scores; their indices where they have no names; empty in regression."""
    return support.labels or tuple(range(support.ways or 0))


def parse(asked: Any, support: Support, scores: Tensor) -> Target:
    """A target from what a user writes; labels take precedence over words.

    Args:
        asked: None (margin of the predicted class, or output 0); a label (its margin); "margin", "log_odds",
            "probability", "loss" (of the predicted class), "contrast" (against the runner-up), "value"; a pair such as
            ("probability", label), ("contrast", label), ("contrast", label, label), ("loss", label or true value),
            ("value", output); or a `Target`.
        scores: `(N,)` of the query, to know the predicted class and its runner-up.

    Raises:
        ExplanationError: an unknown word or label, or a target of the other kind of task.
    """
    if isinstance(asked, Target):
        return asked
    if support.ways is None:
        return _regression_target(asked, scores.shape[-1])
    names = class_names(support)
    labels = tuple(str(name) for name in names)
    order = scores.argsort(descending=True, stable=True).tolist()
    if asked is None or _is_label(asked, names):
        return margin(order[0] if asked is None else names.index(asked), labels)
    kind, *arguments = asked if isinstance(asked, tuple) and asked else (asked,)
    for label in arguments:
        if not _is_label(label, names):
            raise ExplanationError(f"target {asked!r}: no class {label!r}{suggest(str(label), labels)}")
    chosen = [names.index(label) for label in arguments] or order[:1]
    makers: dict[Any, Callable[[int, tuple[str, ...]], Target]] = {
        "margin": margin,
        "log_odds": margin,
        "probability": probability,
        "loss": loss,
    }
    if kind == "contrast" and len(chosen) <= 2:
        other = chosen[1] if len(chosen) == 2 else next((c for c in order if c != chosen[0]), chosen[0])
        return contrast(chosen[0], other, labels)
    if _is_label(kind, tuple(makers)) and len(chosen) == 1:
        return makers[kind](chosen[0], labels)
    raise ExplanationError(f"unknown target {asked!r}{suggest(str(kind), (*makers, 'contrast', *labels))}")


def _regression_target(asked: Any, outputs: int) -> Target:
    kind, *arguments = asked if isinstance(asked, tuple) and asked else (asked,)
    if kind in (None, "value") and len(arguments) <= 1:
        output = arguments[0] if arguments else 0
        if not (isinstance(output, int) and 0 <= output < outputs):
            raise ExplanationError(f"target {asked!r}: the outputs are 0 to {outputs - 1}")
        return value(output, outputs)
    if kind == "loss" and len(arguments) == 1:
        truth = torch.as_tensor(arguments[0], dtype=torch.float64).reshape(-1)
        if truth.numel() != outputs:
            raise ExplanationError(f"target 'loss': give {outputs} true values, got {truth.numel()}")
        return squared_error(truth)
    raise ExplanationError(
        f"unknown target {asked!r} of a regression task: 'value', ('value', output), ('loss', truth)"
    )


def _is_label(candidate: Any, names: tuple[Hashable, ...]) -> bool:
    return isinstance(candidate, Hashable) and not isinstance(candidate, Tensor) and candidate in names
