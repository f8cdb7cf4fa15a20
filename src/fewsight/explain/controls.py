"""Would it have said the same about nonsense? Three sanity controls that a true explanation must not survive.

The same explanation is made again of (a) a learner whose meta-learned numbers are shuffled, (b) the un-adapted model, (c) a
support set whose labels are shuffled. Adebayo et al., "Sanity Checks for Saliency Maps", 2018. What the data alone fix must
not count as agreement: under (a), the class of the target speaks for itself and the others against it whatever was
meta-learned, so values are compared within these groups.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch

from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.statistics import AGREEMENT, mean_interval, rank_correlation
from fewsight.learner import Learner
from fewsight.task import Support

DRAWS = 10
"""Draws of a random control: with five support examples one draw's rank correlation has a spread of .5."""

Explainer = Callable[[Case], Explanation]

NAMES = {
    "parameters": "meta-learned parameters shuffled",
    "adaptation": "adaptation skipped",
    "labels": "support labels shuffled",
}


def variants(case: Case, control: str, draws: int = DRAWS) -> list[Case]:
    """The cases of one control; several draws where it is random."""
    generator = np.random.default_rng([case.seed, list(NAMES).index(control)])
    if control == "parameters":
        return [case.variant(learner=shuffled_parameters(case.learner, generator)) for _ in range(draws)]
    if control == "adaptation":
        silent = torch.zeros_like(case.support.weight)
        return [case.variant(support=case.support.reweighted(silent, drop=True))]
    drawn = {tuple(shuffled_labels(case.support, generator).tolist()): None for _ in range(draws)}
    return [case.variant(support=replace(case.support, y=case.support.y[list(order)])) for order in drawn]


def compare(case: Case, explanation: Explanation, again: list[Explanation], control: str) -> Measure:
    """The mean rank correlation of an explanation with those of a control.

    It passes where even the upper end of the interval stays below `AGREEMENT`, fails where the mean reaches it, and is left
    undecided between.
    """
    strata = _strata(case, explanation) if control == "parameters" else None
    vanished = [not np.any(other.values) for other in again]
    found = np.array(
        [
            0.0 if gone else rank_correlation(explanation.values, other.values, strata)
            for other, gone in zip(again, vanished, strict=True)
        ]
    )
    mean, interval = mean_interval(found)
    passed: bool | None = None
    if not np.isnan(mean):
        upper = mean if interval is None else interval[1]
        passed = False if mean >= AGREEMENT else True if upper < AGREEMENT else None
    meaning = f"rank correlation with the same explanation after: {NAMES[control]}; near 1 would mean that it does not depend on it"
    if all(vanished):
        meaning += "; here every value became exactly 0"
    return Measure(f"control: {NAMES[control]}", mean, interval, passed, meaning)


def shuffled_parameters(learner: Learner, generator: np.random.Generator) -> Learner:
    """A copy whose parameter tensors have their entries shuffled: the same numbers and scale, without what was learned."""
    copy = deepcopy(learner)
    with torch.no_grad():
        for parameter in copy.parameters():
            order = torch.from_numpy(generator.permutation(parameter.numel())).to(parameter.device)
            parameter.copy_(parameter.reshape(-1)[order].reshape(parameter.shape))
    return copy


def shuffled_labels(support: Support, generator: np.random.Generator) -> np.ndarray:
    """An order `(K,)` in which as many examples as possible have another example's, different, label (a derangement)."""
    y = support.y.reshape(support.size, -1).cpu().numpy()
    label = np.unique(y, axis=0, return_inverse=True)[1].reshape(-1)
    order = generator.permutation(support.size)
    for i in range(support.size):
        if label[order[i]] == label[i]:
            useful = np.flatnonzero((label[order] != label[i]) & (label != label[order[i]]))
            if useful.size:
                j = generator.choice(useful)
                order[[i, j]] = order[[j, i]]
    return order


def _strata(case: Case, explanation: Explanation) -> np.ndarray | None:
    """Groups of players that the labels alone set apart: the target's class, its rival, the rest; pairs of these."""
    if case.support.ways is None or explanation.players != case.names:
        return None
    y = case.support.y.cpu().numpy()
    group = (
        (y == case.target.index) + 2 * (y == case.target.other)
        if case.target.other is not None
        else y == case.target.index
    )
    group = group.astype(int)
    if explanation.values.ndim == 1:
        return group
    pairs = np.minimum.outer(group, group) * 3 + np.maximum.outer(group, group)
    return pairs + 9 * np.eye(len(group), dtype=int)
