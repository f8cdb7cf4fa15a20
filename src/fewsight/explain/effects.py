"""What does each support example do to each query? The data of a bee-swarm: queries x examples, adding up by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fewsight.explain import coalitions, game
from fewsight.explain.crowd import Crowd
from fewsight.explain.quadrature import residual
from fewsight.explain.record import of_fields, plain
from fewsight.explain.subsets import earned_in, sampled

SCHEMA = "fewsight.effects/1"


@dataclass(frozen=True, eq=False)
class Effects:
    """Contributions to F of each query, by removal "drop"; each row adds up.

    Attributes:
        values: `(Q, K)` float64; positive where the example helps the query.
        queries, players: names of queries and support examples.
        target: what F of a query is, in words.
        value, baseline: F of each query from the adapted and the un-adapted model, `(Q,)`.
        method: how the values were found.
        residual: the worst row's |sum - (value - baseline)| / |value - baseline|.
        bound: what it must not exceed.
    """

    values: np.ndarray
    queries: tuple[str, ...]
    players: tuple[str, ...]
    target: str
    value: np.ndarray
    baseline: np.ndarray
    method: str
    residual: float
    bound: float

    @property
    def complete(self) -> bool:
        """Whether every row adds up to within the bound."""
        return self.residual <= self.bound

    def __str__(self) -> str:
        low, middle, high = np.quantile(self.values, [0, 0.5, 1], axis=0)
        width = max(map(len, self.players))
        harmed = (self.values < 0).mean(0)
        lines = [f"effects of {len(self.players)} support examples on {len(self.queries)} queries: {self.target}"]
        if not self.complete:
            lines[0] = f"NOT TO BE TRUSTED AS IT STANDS (residual {self.residual:.2g}): " + lines[0]
        lines += [
            f"  {name:<{width}} median {middle[i]:+.4f}, from {low[i]:+.4f} to {high[i]:+.4f}, harms {harmed[i]:.0%}"
            for i, name in enumerate(self.players)
        ]
        return "\n".join([*lines, f"  {self.method}; rows add up to within {self.residual:.2g}"])

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`."""
        return plain(of_fields(self) | {"schema": SCHEMA, "complete": self.complete})


def effects(case: Crowd) -> Effects:
    """Shapley values of every query's F: over all subsets, or over random orders of arrival where those are too many.

    All queries share each adaptation. The mean over the queries is what `valuation` gives.
    """
    each = case.each()
    if case.support.size <= game.EXACT:
        earned = coalitions.values(each, game.coalitions(case.support.size))
        values = np.stack([game.shapley(column) for column in earned.T.copy()])
        method, ends = f"exact Shapley values over {len(earned)} subsets", earned[[0, -1]]
    else:
        orders, present = sampled(case.mean())
        earned = earned_in(each, present)
        values = np.stack([game.shapley_from_orders(orders, column)[0] for column in earned.transpose(2, 0, 1)])
        method, ends = f"Shapley values from {len(orders)} random orders of arrival", earned[0, [0, -1]]
    missed = max(residual(*row) for row in zip(values, ends[1], ends[0], strict=True))
    return Effects(
        values=values,
        queries=case.query_names,
        players=case.names,
        target=each.target.description,
        value=ends[1],
        baseline=ends[0],
        method=method,
        residual=missed,
        bound=1e-6,
    )
