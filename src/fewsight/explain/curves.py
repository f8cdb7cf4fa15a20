"""Does the prediction go when what was named goes? Deletion and insertion curves, against random orders.

What is removed is removed from the support set, and the learner adapts again, or from the query of the adapted model.
Samek et al., "Evaluating the Visualization of What a Deep Neural Network Has Learned", 2017.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fewsight.explain.explanation import Measure
from fewsight.explain.quadrature import resolution
from fewsight.explain.statistics import mean_interval

STEPS = 20
"""Points of a curve at most."""
ORDERS = 10
"""Random orders, each also used in reverse."""

Evaluate = Callable[[np.ndarray], np.ndarray]


def deletion_insertion(
    values: np.ndarray, evaluate: Evaluate, generator: np.random.Generator, what: str
) -> tuple[Measure, ...]:
    """Two measures: how much sooner than at random the prediction falls (deletion) or rises (insertion).

    The figure is the area between the mean curve of random orders and the explanation's, as a share of the whole change;
    its interval is over random orders. Above 0 the order of the explanation is better than chance.

    Args:
        values: one value for each of P players; the most positive goes first.
        evaluate: F of masks `(M, P)` of present players.
        what: what is removed, for the text ("support examples").
    """
    players = len(values)
    levels = np.unique(np.linspace(0, players, min(STEPS, players) + 1).round().astype(int))
    order = np.argsort(-values, kind="stable")
    orders = [generator.permutation(players) for _ in range(ORDERS)]
    everything = [order, order[::-1], *orders, *(o[::-1] for o in orders)]
    masks = np.stack([_present(o, levels) for o in everything])
    curves = evaluate(masks.reshape(-1, players)).reshape(masks.shape[:2])
    # A prefix of an order is what insertion has put in; its complement, a prefix of the reverse, what deletion leaves.
    insertion, deletion, random = curves[0], curves[1, ::-1], curves[2:]
    change = curves[0, -1] - curves[0, 0]
    share = (levels / players).tolist()
    return (
        _measure("deletion", share, deletion, random[:, ::-1], -change, what),
        _measure("insertion", share, insertion, random, change, what),
    )


def _present(order: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """For each level, the first so many players of the order, `(levels, P)`."""
    rank = np.argsort(order)
    return rank < levels[:, None]


def _measure(name: str, share: list[float], curve: np.ndarray, random: np.ndarray, change: float, what: str) -> Measure:
    text = f"how much sooner than at random the prediction {'falls as' if name == 'deletion' else 'rises as'} {what} "
    text += "named by the explanation are taken away" if name == "deletion" else "named by the explanation are put in"
    series = {"share": share, "explanation": curve.tolist(), "random": random.mean(0).tolist()}
    title = f"{name} of {what} against random order"
    if len(share) < 4 or abs(change) < resolution(*curve[[0, -1]]):
        return Measure(title, float("nan"), None, None, f"{text}; not defined: too few players or no change", series)
    gain = (np.trapezoid(curve, share) - np.trapezoid(random, share, axis=1)) / change
    mean, interval = mean_interval(gain)
    assert interval is not None
    return Measure(title, mean, interval, interval[0] > 0, text, series)
