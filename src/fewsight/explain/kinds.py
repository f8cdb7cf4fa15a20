"""Which explanations are there, and what does each need? The table that `explain` goes through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fewsight.explain import game
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.influence import influence
from fewsight.explain.path import path
from fewsight.explain.prototypes import HasPrototypes, prototype_channels, prototypes
from fewsight.explain.query import integrated_gradients, occlusion, saliency
from fewsight.explain.readout import Attends, attention
from fewsight.explain.subsets import banzhaf, by_class, interactions, leave_one_out, shapley, sole_examples


@dataclass(frozen=True)
class Kind:
    """One kind of explanation.

    Attributes:
        explain: makes it.
        of: "support" (players are the examples), "groups", "query" or "channels": which checks apply.
        rows: adaptations it takes, for the budget of time.
        why_not: why it cannot be made for a case, or "".
        unasked: why it is left out unless asked for by name, or "".
        contrast: explains the predicted class against its runner-up where no target is given.
    """

    explain: Callable[[Case], Explanation]
    of: str
    rows: Callable[[int], int] = lambda size: 0
    why_not: Callable[[Case], str] = lambda case: ""
    unasked: str = ""
    contrast: bool = False


PAIRS = 16
"""Pairs of random orders behind sampled Shapley values."""


def _all_subsets(case: Case) -> str:
    size = case.support.size
    return f"{size} examples have 2^{size} subsets, more than 2^{game.EXACT}" if size > game.EXACT else ""


def _all_sole(case: Case) -> str:
    return (
        "every example is the only one of its class: without it, its class disappears"
        if sole_examples(case).all()
        else ""
    )


def _no_classes(case: Case) -> str:
    if case.support.ways is None:
        return "a regression task has no classes"
    return "the examples themselves are the players" if case.support.size <= game.EXACT else ""


def _sampled_or_exact(case: Case) -> Explanation:
    return shapley(case) if case.support.size <= game.EXACT else shapley(case, pairs=PAIRS)


KINDS: dict[str, Kind] = {
    "attention": Kind(
        attention,
        "support",
        why_not=lambda case: "" if isinstance(case.learner, Attends) else "the learner does not answer by attention",
    ),
    "prototypes": Kind(
        prototypes,
        "support",
        why_not=lambda case: "" if isinstance(case.learner, HasPrototypes) else "the learner has no prototypes",
        contrast=True,
    ),
    "prototype_channels": Kind(
        prototype_channels,
        "channels",
        why_not=lambda case: "" if isinstance(case.learner, HasPrototypes) else "the learner has no prototypes",
        contrast=True,
    ),
    "integrated_gradients": Kind(integrated_gradients, "query", contrast=True),
    "occlusion": Kind(occlusion, "query", contrast=True),
    "saliency": Kind(
        saliency, "query", unasked="a derivative at one point; integrated_gradients adds up", contrast=True
    ),
    "leave_one_out": Kind(leave_one_out, "support", rows=lambda size: size, why_not=_all_sole),
    "leave_one_out_drop": Kind(lambda case: leave_one_out(case, drop=True), "support", rows=lambda size: size),
    "influence": Kind(influence, "support", rows=lambda size: 4),
    "path": Kind(path, "support", rows=lambda size: 64),
    "shapley": Kind(
        _sampled_or_exact, "support", rows=lambda size: 2**size if size <= game.EXACT else 2 * PAIRS * size
    ),
    "interactions": Kind(interactions, "support", rows=lambda size: 2**size, why_not=_all_subsets),
    "banzhaf": Kind(
        banzhaf,
        "support",
        rows=lambda size: 2**size,
        why_not=_all_subsets,
        unasked="close to shapley, and does not add up",
    ),
    "shapley_classes": Kind(
        lambda case: shapley(case, players=by_class(case)),
        "groups",
        rows=lambda size: 2**game.EXACT,
        why_not=_no_classes,
    ),
}
"""Every kind by name, in the order in which they are computed and shown."""
