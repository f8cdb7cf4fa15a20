"""Does the prediction go when what was named goes? Deletion and insertion curves, against random orders.

What is removed is removed from the support set, and the learner adapts again, or from the query of the adapted model.
Samek et al., "Evaluating the Visualization of What a Deep Neural Network Has Learned", 2017.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fewsight.explain.explanation import Measure
from fewsight.explain.quadrature import resolution
from fewsight.explain.statistics import FEWEST, Interval, mean_interval

STEPS = 20
"""Points of a curve at most, beside its start."""
ORDERS = 10
"""Random orders; each serves in reverse too."""

MEANING = {
    "deletion": "how much sooner than at random the prediction falls as {what} go, the most supportive first",
    "insertion": "how much sooner than at random the prediction rises as {what} come, the most supportive first",
}


def deletion_insertion(
    values: np.ndarray,
    evaluate: Callable[[np.ndarray], np.ndarray],
    generator: np.random.Generator,
    what: str,
    *,
    held: bool,
) -> tuple[Measure, Measure]:
    """Two measures: how much sooner than at random the prediction falls (deletion) or rises (insertion).

    The figure is the area between the explanation's curve and those of random orders, as a share of the range that
    all of them span; its interval is over random orders. Above 0 the order of the explanation is better than chance.

    Args:
        values: one value for each of P players; the largest goes first.
        evaluate: F of masks `(M, P)` of present players, `(M,)`.
        what: what is removed, for the text ("support examples").
        held: whether the order claims to be the order of importance, so that no better than chance is a failure.
    """
    players = len(values)
    if players < FEWEST:
        return _measure("deletion", what, float("nan")), _measure("insertion", what, float("nan"))
    levels = np.unique(np.linspace(0, players, min(STEPS, players) + 1).round().astype(int))
    order = np.argsort(-values, kind="stable")
    random = [generator.permutation(players) for _ in range(ORDERS)]
    orders = np.stack([order, order[::-1], *random, *(r[::-1] for r in random)])
    # Of each order, the players that have come in at each level.
    masks = np.argsort(orders, axis=1)[:, None, :] < levels[:, None]
    curves = evaluate(masks.reshape(-1, players)).reshape(masks.shape[:2])
    # What deletion leaves, from everything to nothing, is what the reverse order has put in, read backwards.
    found = {"deletion": (curves[1, ::-1], curves[2:, ::-1], -1), "insertion": (curves[0], curves[2:], 1)}
    share, span = levels / players, np.ptp(curves)
    measures = []
    for name, (curve, others, direction) in found.items():
        series = {"share": share.tolist(), "explanation": curve.tolist(), "random": others.mean(0).tolist()}
        gain = np.trapezoid(curve - others, share, axis=1) * direction
        defined = span > resolution(*curves[0, [0, -1]])
        mean, interval = mean_interval(gain / span) if defined else (float("nan"), None)
        passed = interval[0] > 0 if held and interval else None
        measures.append(_measure(name, what, mean, interval, passed, series))
    return measures[0], measures[1]


def _measure(
    name: str,
    what: str,
    value: float,
    interval: Interval | None = None,
    passed: bool | None = None,
    curve: dict[str, list[float]] | None = None,
) -> Measure:
    meaning = MEANING[name].format(what=what)
    if np.isnan(value):
        meaning += f"; not defined: fewer than {FEWEST} {what}, or nothing changes"
    return Measure(f"{name} of {what} against random order", value, interval, passed, meaning, curve or {})
