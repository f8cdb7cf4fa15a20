"""Which labels of the support set are probably wrong? Those the learner does not believe once it has not seen them.

Self-influence of example i: its loss under the model adapted without it, minus its loss under the model adapted with
it. An example that only its own label can explain was learned by heart. Two simpler suspicions stand beside it, to be
compared with: the highest loss under the adapted model, and the largest distance from the mean of its class.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fewsight import tree
from fewsight.errors import ExplanationError
from fewsight.experience import EmbedsSupport
from fewsight.explain.case import Case
from fewsight.explain.coalitions import over_rows
from fewsight.explain.explanation import Explanation
from fewsight.explain.players import sole_examples
from fewsight.learner import example_losses
from fewsight.learners.prototypes import class_means
from fewsight.task import Support


def mislabels(case: Case) -> Explanation:
    """Self-influence of each support example, `(K,)`: high is suspect; NaN where its class disappears with it.

    The query has no part in it. Koh & Liang, "Understanding Black-box Predictions via Influence Functions", 2017,
    section 5.4, with the exact effect of adapting again in the place of its first-order estimate.
    """
    values = self_influence(case)
    sole = sole_examples(case)
    notes = tuple(f"{case.names[i]}: class disappears with it, so it has no number" for i in np.flatnonzero(sole))
    return Explanation(
        kind="mislabels",
        question="Which support example does the learner not believe unless it is told?",
        values=values,
        players=case.names,
        target="loss of the example itself: adapted without it, minus adapted with it",
        value=float(np.nanmean(values)) if np.isfinite(values).any() else float("nan"),
        baseline=None,
        baseline_name="",
        semantics="renormalise",
        notes=(
            *notes,
            "High values are suspects to look at: a rare but right example looks the same as a wrong label.",
        ),
        provenance=case.record(),
    )


def self_influence(case: Case) -> np.ndarray:
    """Loss of example i under the model adapted without it, minus with it, `(K,)`; NaN where a class disappears."""
    return left_out_loss(case) - own_loss(case)


def left_out_loss(case: Case) -> np.ndarray:
    """Loss of example i under the model adapted without it, `(K,)`; NaN where its class disappears with it."""
    without = ~np.eye(case.support.size, dtype=bool)
    return np.where(sole_examples(case), np.nan, np.diag(own_losses(case, without)))


def own_loss(case: Case) -> np.ndarray:
    """Baseline: loss of each example under the adapted model, `(K,)`."""
    return own_losses(case, np.ones((1, case.support.size), dtype=bool))[0]


def distance_from_class(case: Case) -> np.ndarray:
    """Baseline: squared distance of each example from the mean of its class, `(K,)`, the example itself included.

    In the learner's embedding where it has one, else in the raw numbers of the input.
    """
    support = case.support
    if support.ways is None:
        raise ExplanationError("a regression task has no classes to be far from")
    with case.frozen(), torch.no_grad():
        if isinstance(case.learner, EmbedsSupport):
            place = case.learner.embed_support(support)[0].double()
        else:
            numbers = [leaf.flatten(1) for leaf in tree.leaves(support.x) if leaf.is_floating_point()]
            if not numbers:
                raise ExplanationError("the learner has no embedding and the inputs no numbers to measure distances in")
            place = torch.cat(numbers, 1).double().nan_to_num()
        return (place - class_means(support, place)[support.y]).square().sum(1).cpu().numpy()


def own_losses(case: Case, masks: np.ndarray) -> np.ndarray:
    """Losses of all support examples under models adapted to subsets of them: masks `(M, K)` to `(M, K)` float64."""
    support = case.support
    weight = support.weight.detach()

    def losses(row: Tensor) -> Tensor:
        return example_losses(case.learner(support.reweighted(row), support.x).double(), _answers(support))

    return over_rows(case, "losses of the support", losses, losses, torch.from_numpy(masks).to(weight) * weight)


def _answers(support: Support) -> Tensor:
    return support.y if support.ways is not None else support.y.double()
