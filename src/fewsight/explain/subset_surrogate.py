"""Is F a sum of one number for each support example? A line over its subsets, and how far it holds (C5).

Where it does not hold, no additive explanation tells the whole story.
"""

from __future__ import annotations

import numpy as np

from fewsight.errors import ExplanationError
from fewsight.explain import coalitions, game
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.held_out import HeldOut, Predict, least_squares

SAMPLES = 512
"""Subsets that are taken where not all are."""


def subset_surrogate(case: Case, *, drop: bool = True) -> Explanation:
    """Coefficients w of F(S) = w_0 + sum_{i in S} w_i, `(K,)`, by least squares over subsets of the support.

    Every size of subset weighs the same. All 2^K subsets for up to 12 examples, else `SAMPLES` of them. R2 is that of
    10-fold cross-validation. Ilyas et al., "Datamodels", 2022.

    Args:
        drop: see `subsets`; False needs a target that survives the loss of a class (a probability).
    """
    size = case.support.size
    if not drop and not case.target.survives:
        raise ExplanationError(f"{case.target.description} is not defined without a class: use drop=True")
    masks = game.coalitions(size) if size <= game.EXACT else _drawn_subsets(size, np.random.default_rng(case.seed))
    earned = coalitions.values(case, masks, drop=drop)
    members = masks.sum(1)
    counts = np.bincount(members, minlength=size + 1)
    weight = 1.0 / counts[members]

    def fit(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> Predict:
        found = least_squares(x, y, w)
        return lambda new: found[0] + new @ found[1:]

    coefficients = least_squares(masks.astype(float), earned, weight)
    exact = "all" if size <= game.EXACT else f"{len(masks)} random"
    return Explanation(
        kind="subset_surrogate",
        question="If the prediction were a sum of one number for each support example, what would the numbers be?",
        values=coefficients[1:],
        players=case.names,
        target=case.target.description,
        value=coalitions.present(case),
        baseline=None,
        baseline_name="",
        semantics="drop" if drop else "renormalise",
        fidelity=(
            HeldOut.of(masks.astype(float), earned, fit, weight).r2(
                f"variance of F over {exact} subsets that a sum over examples explains, on subsets it was not "
                "fitted to; if it is low, no additive explanation tells the whole story",
            ),
        ),
        notes=(f"Least squares on {exact} subsets of the support; every size of subset weighs the same.",),
        provenance=case.record(intercept=float(coefficients[0]), subsets=len(masks)),
    )


def _drawn_subsets(size: int, generator: np.random.Generator) -> np.ndarray:
    """Different random subsets, every size alike, the empty and the full one among them."""
    wanted = generator.integers(1, size, SAMPLES)
    order = generator.random((SAMPLES, size)).argsort(1).argsort(1)
    drawn = order < wanted[:, None]
    ends = np.array([[False] * size, [True] * size])
    return np.unique(np.concatenate([ends, drawn]), axis=0)
