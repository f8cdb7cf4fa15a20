"""Would it have said the same about nonsense? Three sanity controls that a true explanation must not survive.

The same explanation is made again of (a) a learner whose meta-learned numbers are shuffled, (b) the un-adapted model,
(c) a support set whose labels are shuffled. Adebayo et al., "Sanity Checks for Saliency Maps", 2018. What the data
alone fix must not count as agreement: under (a), the class of the target speaks for itself and the others against it
whatever was meta-learned, so values are compared within these groups.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch

from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.statistics import AGREEMENT, mean_interval, rank_correlation
from fewsight.learner import Learner
from fewsight.task import Support

NAMES = {
    "parameters": "meta-learned parameters shuffled",
    "adaptation": "adaptation skipped",
    "labels": "support labels shuffled",
}


def variant(case: Case, control: str, draw: int = 0) -> Case:
    """The case that a control puts in the place of `case`; each draw of a random one is another."""
    generator = np.random.default_rng([case.seed, list(NAMES).index(control), draw])
    if control == "parameters":
        return case.variant(learner=shuffled_parameters(case.learner, generator))
    if control == "labels":
        order = shuffled_labels(case.support, generator).tolist()
        return case.variant(support=replace(case.support, y=case.support.y[order]))
    silent = torch.zeros_like(case.support.weight)
    return case.variant(support=case.support.reweighted(silent, drop=True))


def compare(case: Case, explanation: Explanation, again: list[Explanation], control: str) -> Measure:
    """The mean rank correlation of an explanation with those of a control.

    It passes where even the upper end of the interval stays below `AGREEMENT`, fails where the mean reaches it, and
    is left undecided between.
    """
    strata = _strata(case, explanation) if control == "parameters" else None
    largest = np.abs(np.nan_to_num(explanation.values)).max()
    vanished = [np.abs(np.nan_to_num(other.values)).max() <= 1e-6 * largest for other in again]
    found = np.array(
        [
            0.0 if gone else rank_correlation(explanation.values, other.values, strata)
            for other, gone in zip(again, vanished, strict=True)
        ]
    )
    mean, interval = mean_interval(found)
    if interval is not None:
        interval = max(interval[0], -1.0), min(interval[1], 1.0)
    passed: bool | None = None
    if not np.isnan(mean):
        upper = mean if interval is None else interval[1]
        passed = False if mean >= AGREEMENT else True if upper < AGREEMENT else None
    meaning = f"rank correlation with the same explanation after: {NAMES[control]}; near 1 it would not depend on that"
    if np.isnan(mean):
        meaning += "; not defined: too few values to compare, or all alike"
    elif passed is None:
        meaning += "; undecided: the interval is too wide"
    if all(vanished):
        meaning += "; here every value became 0"
    return Measure(f"control: {NAMES[control]}", mean, interval, passed, meaning)


def shuffled_parameters(learner: Learner, generator: np.random.Generator) -> Learner:
    """A copy with the entries of each parameter tensor shuffled: the same numbers and scale, nothing learned."""
    copy = deepcopy(learner)
    with torch.no_grad():
        for parameter in copy.parameters():
            order = torch.from_numpy(generator.permutation(parameter.numel())).to(parameter.device)
            parameter.copy_(parameter.reshape(-1)[order].reshape(parameter.shape))
    return copy


def shuffled_labels(support: Support, generator: np.random.Generator) -> np.ndarray:
    """An order `(K,)` that gives as many examples as possible a label that is not theirs (a derangement)."""
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
