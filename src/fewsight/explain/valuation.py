"""Which of my labelled examples help, and which should I check or replace? Support-set valuation over many queries.

The value of an example is its share of what adaptation gained on the queries: values sum to the mean loss of the
un-adapted model minus that of the adapted one. Ghorbani & Zou, "Data Shapley", 2019, where re-training is adapting.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from fewsight.explain import controls, fidelity
from fewsight.explain.crowd import Crowd
from fewsight.explain.explanation import Explanation
from fewsight.explain.game import half_width
from fewsight.explain.subsets import OVER_ORDERS, shapley

OWN_ANSWERS = (
    "The queries have no labels: an example that helps here makes the model surer of what it answers, right or wrong."
)
DRAWS = 5
"""Draws of a random control: a value is a mean over many queries already, so it varies less than one prediction's."""


def valuation(case: Crowd) -> Explanation:
    """Value of each support example, `(K,)`: Shapley values over all subsets, or over random orders of arrival.

    For hundreds of examples `path(case)` is cheaper: it takes derivatives, whose number does not grow with K.
    """
    found = shapley(case)
    return replace(
        found,
        kind="valuation",
        question="How much does each support example help the answers to all these queries together?",
        notes=(*(() if case.labelled else (OWN_ANSWERS,)), *found.notes),
    )


def over_queries(found: Explanation, effects: np.ndarray) -> Explanation:
    """The valuation with the 95 % interval of each value over queries like these, from effects `(Q, K)`.

    Where values are estimated, the uncertainty of the estimate is part of it (variances add). NaN for a single query.
    """
    estimate = 0.0 if found.interval is None else np.ptp(found.interval, axis=1) / 2
    half = np.hypot(half_width(effects), estimate) if len(effects) > 1 else np.full(len(found.values), np.nan)
    note = f"Intervals are 95 % over queries like these {len(effects)}."
    interval = np.stack([found.values - half, found.values + half], axis=1)
    return replace(found, interval=interval, notes=(note, *(told for told in found.notes if told != OVER_ORDERS)))


def verified(case: Crowd, found: Explanation) -> Explanation:
    """The valuation with its fidelity and its sanity controls; takes about `2 * DRAWS` times what it took itself."""
    tested = [
        controls.compare(
            case, found, [valuation(cast(Crowd, controls.variant(case, name, draw))) for draw in draws], name
        )
        for name, draws in {name: range(1 if name == "adaptation" else DRAWS) for name in controls.NAMES}.items()
    ]
    return replace(found, fidelity=fidelity.of_support(case, found), controls=tuple(tested))
