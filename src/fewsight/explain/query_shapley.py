"""What is each part of the query worth? Shapley values of the game in which parts (tokens, atoms, columns) are hidden.

The learner adapts once; then queries with some of their parts hidden are put to the adapted model. Hidden means what
the input's encoder takes for not there: a position that leaves the mask, zeros elsewhere.
"""

from __future__ import annotations

import numpy as np
import torch

from fewsight.explain import game
from fewsight.explain.case import Case
from fewsight.explain.clock import OutOfTimeError
from fewsight.explain.explanation import Explanation
from fewsight.explain.parts import Parts
from fewsight.explain.quadrature import residual
from fewsight.explain.query import TRANSDUCTIVE, in_batches
from fewsight.explain.subsets import OVER_ORDERS, PAIRS, PRECISION


def query_shapley(case: Case, *, patch: int | None = None) -> Explanation:
    """Shapley values of the parts of the query, the shape of its parts; they sum to F(query) - F(all hidden).

    Exact from all 2^n queries for up to `game.EXACT` parts that are there; beyond, estimated from random orders.
    Shapley, "A value for n-person games", 1953; Lundberg & Lee, "A Unified Approach to Interpreting Model
    Predictions", 2017.

    Args:
        patch: side of an image's patches in pixels; default a seventh of the image.
    """
    parts = Parts.of(case.query, patch, case.parts)
    players = np.flatnonzero(parts.real)
    interval = None
    if len(players) <= game.EXACT:
        earned = _values(case, parts, players, game.coalitions(len(players)))
        found, ends = game.shapley(earned), earned[[0, -1]]
        notes: tuple[str, ...] = (f"Exact: the adapted model answered all {earned.size} queries with parts hidden.",)
    else:
        orders, earned = _sampled(case, parts, players)
        found, spread = game.shapley_from_orders(orders, earned)
        ends = earned[0, [0, -1]]
        notes = (f"Estimated from {len(orders)} random orders of arrival.", OVER_ORDERS)
        interval = np.zeros((len(parts.names), 2))
        interval[players] = spread
        interval = interval.reshape(*parts.shape, 2)
    values = np.zeros(len(parts.names))
    values[players] = found
    return Explanation(
        kind="query_shapley",
        question="What is each part of the query worth, over all orders in which they could have been uncovered?",
        values=values.reshape(parts.shape),
        players=parts.names,
        target=case.target.description,
        value=float(ends[1]),
        baseline=float(ends[0]),
        baseline_name="the query with every part hidden",
        semantics="replace",
        residual=residual(found, ends[1], ends[0]),
        bound=1e-6,
        interval=interval,
        notes=(TRANSDUCTIVE, *notes) if case.learner.transductive else notes,
        provenance=case.record(patch=patch),
    )


def _sampled(case: Case, parts: Parts, players: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Random orders `(R, n)` and what the growing sets earn `(R, n + 1)`; as many as needed, or as time allows."""
    n = len(players)
    generator = np.random.default_rng([case.seed, n])
    orders, earned = np.empty((0, n), dtype=int), np.empty((0, n + 1))
    while True:
        more = game.sample_orders(n, max(PAIRS[0], len(orders) // 2), generator)
        shown = game.arrivals(more).reshape(-1, n)
        try:
            found = _values(case, parts, players, shown)
        except OutOfTimeError:
            if not len(orders):
                raise
            return orders, earned
        orders = np.concatenate([orders, more])
        earned = np.concatenate([earned, found.reshape(len(more), n + 1)])
        values, interval = game.shapley_from_orders(orders, earned)
        precise = (interval[:, 1] - values).max() <= PRECISION * np.abs(values).max()
        if precise or len(orders) >= 2 * PAIRS[1] or case.late():
            return orders, earned


def _values(case: Case, parts: Parts, players: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """F of the query with only these players shown, `(M, n)` bool to `(M,)`."""
    hidden = np.zeros((len(shown), len(parts.names)), dtype=bool)
    hidden[:, players] = ~shown
    with torch.no_grad():
        found = in_batches(case, torch.from_numpy(hidden), lambda masks: case.query_values(parts.hidden(masks.numpy())))
    return found.cpu().numpy()
