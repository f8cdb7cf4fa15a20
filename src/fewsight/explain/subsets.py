"""What exactly is each support example worth? Adapting again on subsets of the support set, all of them if need be.

Two ways of being absent, which answer different questions. "renormalise": the example was never given. "drop": its
gradient or vote is silenced while every other example keeps its share; only so do un-adapted and adapted prediction lie
at the two ends of one game, and only so does a class stay when its last example goes.
"""

from __future__ import annotations

import numpy as np

from fewsight.errors import ExplanationError
from fewsight.explain import coalitions, game
from fewsight.explain.case import Case
from fewsight.explain.clock import OutOfTimeError
from fewsight.explain.explanation import Explanation
from fewsight.explain.players import Partition, singly, sole_examples
from fewsight.explain.quadrature import residual

EMPTY = {True: "the un-adapted model", False: "no example at all"}
SEMANTICS = {True: "drop", False: "renormalise"}


def leave_one_out(case: Case, *, drop: bool = False) -> Explanation:
    """F(all) - F(all without i), adapting again each time, `(K,)`.

    Without `drop`, an example that is the only one of its class has the value NaN: with it the class disappears,
    which is another task and not a number.
    """
    size = case.support.size
    full = coalitions.present(case)
    # Taking out what is absent already changes nothing.
    values = np.zeros(size)
    going = case.support.weight.detach().cpu().numpy() > 0
    sole = np.zeros(size, dtype=bool) if drop else sole_examples(case)
    values[sole] = np.nan
    if (going & ~sole).any():
        without = ~np.eye(size, dtype=bool)[going & ~sole]
        values[going & ~sole] = full - coalitions.values(case, without, drop=drop)
    return Explanation(
        kind="leave_one_out_drop" if drop else "leave_one_out",
        question=(
            "How does the prediction change when one support example falls silent?"
            if drop
            else "How would the prediction change if one support example had never been given?"
        ),
        values=values,
        players=case.names,
        target=case.target.description,
        value=full,
        baseline=None,
        baseline_name="",
        semantics=SEMANTICS[drop],
        notes=tuple(f"{case.names[i]}: class disappears with it, so it has no number" for i in np.flatnonzero(sole)),
        provenance=case.record(),
    )


OVER_ORDERS = "Intervals are 95 % over pairs of orders."
PAIRS = (8, 64)
"""Pairs of random orders behind estimated Shapley values: at first, and at most."""
PRECISION = 0.05
"""Half-width of the intervals, as a share of the largest value, at which an estimate is good enough."""


def shapley(case: Case, *, drop: bool = True, players: Partition | None = None) -> Explanation:
    """Shapley values of the game F on subsets of the support set; they add up to F(all) - F(none).

    Exact from all 2^n subsets for up to `game.EXACT` players; beyond, estimated from random orders, with intervals.

    Args:
        drop: see the module docstring; False needs a target that survives the loss of a class (a probability).
        players: groups of examples as players; default: each example.

    Raises:
        ExplanationError: the target is not defined on all subsets.
    """
    groups = players or singly(case)
    if len(groups.names) <= game.EXACT:
        earned = table(case, drop=drop, players=groups)
        values, interval, ends = game.shapley(earned), None, earned[[0, -1]]
        notes: tuple[str, ...] = (f"Exact: adapted again on all {earned.size} subsets.",)
    else:
        orders, present = sampled(case, groups, drop=drop)
        earned = earned_in(case, present, drop=drop)
        values, interval = game.shapley_from_orders(orders, earned)
        ends = earned[0, [0, -1]]
        notes = (f"Estimated from {len(orders)} random orders of arrival.", OVER_ORDERS)
    who = "support example" if players is None else "group of support examples"
    return Explanation(
        kind="shapley" if players is None else "shapley_groups",
        question=f"What is each {who} worth, over all orders in which they could have arrived?",
        values=values,
        players=groups.names,
        target=case.target.description,
        value=float(ends[1]),
        baseline=float(ends[0]),
        baseline_name=EMPTY[drop],
        semantics=SEMANTICS[drop],
        residual=residual(values, ends[1], ends[0]),
        bound=1e-6,
        interval=interval,
        notes=notes,
        provenance=case.record(),
    )


def sampled(case: Case, players: Partition | None = None, *, drop: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Random orders of arrival `(R, n)`, and the coalitions `(R, n + 1, K)` that grow in them.

    As many as the values of F need, or as time allows; their scores are known then, for any other target too.
    """
    _require_defined(case, drop)
    groups = players or singly(case)
    n = len(groups.names)
    generator = np.random.default_rng([case.seed, n])
    orders = game.sample_orders(n, PAIRS[0], generator)

    def grown(orders: np.ndarray) -> np.ndarray:
        masks = game.arrivals(orders)
        return groups.examples(masks.reshape(-1, n)).reshape(*masks.shape[:2], -1)

    earned = earned_in(case, grown(orders), drop=drop)
    while True:
        values, interval = game.shapley_from_orders(orders, earned)
        precise = (interval[:, 1] - values).max() <= PRECISION * np.abs(values).max()
        if precise or len(orders) >= 2 * PAIRS[1] or case.late():
            return orders, grown(orders)
        more = np.concatenate([orders, game.sample_orders(n, len(orders) // 2, generator)])
        try:
            earned = earned_in(case, grown(more), drop=drop)
        except OutOfTimeError:
            return orders, grown(orders)
        orders = more


def earned_in(case: Case, present: np.ndarray, *, drop: bool = True) -> np.ndarray:
    """F of coalitions `(R, n + 1, K)`: `(R, n + 1)`, or `(R, n + 1, Q)` where F is a number for each of Q queries."""
    earned = coalitions.values(case, present.reshape(-1, present.shape[-1]), drop=drop)
    return earned.reshape(*present.shape[:2], *earned.shape[1:])


def banzhaf(case: Case, *, drop: bool = True) -> Explanation:
    """Banzhaf values `(K,)`: what an example adds, over all subsets of the others alike. Exact; nothing adds up."""
    earned = table(case, drop=drop)
    return Explanation(
        kind="banzhaf",
        question="What does each support example add to a random half of the others?",
        values=game.banzhaf(earned),
        players=case.names,
        target=case.target.description,
        value=float(earned[-1]),
        baseline=None,
        baseline_name="",
        semantics=SEMANTICS[drop],
        notes=("Banzhaf values need not add up; they are the steadiest ranking when F is noisy.",),
        provenance=case.record(),
    )


def interactions(case: Case, *, drop: bool = True) -> Explanation:
    """Shapley-Taylor interactions `(K, K)`, which add up; row i sums to i's Shapley value. See `game.interactions`."""
    earned = table(case, drop=drop)
    values = game.interactions(earned)
    return Explanation(
        kind="interactions",
        question="Which support examples work together, and which say the same thing twice?",
        values=values,
        players=case.names,
        target=case.target.description,
        value=float(earned[-1]),
        baseline=float(earned[0]),
        baseline_name=EMPTY[drop],
        semantics=SEMANTICS[drop],
        residual=residual(values, earned[-1], earned[0]),
        bound=1e-6,
        notes=(
            "Shapley-Taylor index of order 2: the diagonal is what an example does alone; a joint effect is split in "
            "half between (i, j) and (j, i); negative means redundant.",
        ),
        provenance=case.record(),
    )


def table(case: Case, *, drop: bool = True, players: Partition | None = None) -> np.ndarray:
    """The game of this prediction: F of all 2^n coalitions, `(2^n,)`, each computed once."""
    groups = players or singly(case)
    n = len(groups.names)
    if n > game.EXACT:
        raise ExplanationError(
            f"{n} players have 2^{n} subsets, more than the 2^{game.EXACT} evaluated: "
            "use path, or shapley, which then estimates"
        )
    _require_defined(case, drop)
    return coalitions.values(case, groups.examples(game.coalitions(n)), drop=drop)


def _require_defined(case: Case, drop: bool) -> None:
    if not drop and not case.target.survives:
        raise ExplanationError(
            f"{case.target.description} is not defined once a class has lost all its examples: "
            "use the target 'probability', or drop=True"
        )
