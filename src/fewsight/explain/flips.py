"""Which single examples decide which answers? Answers that change when the learner adapts again without one example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fewsight.errors import ExplanationError
from fewsight.explain.crowd import Crowd
from fewsight.explain.players import sole_examples
from fewsight.explain.record import of_fields, plain
from fewsight.explain.target import class_names


@dataclass(frozen=True)
class Flip:
    """Without the support example `example` the query `query` is no longer taken for `before` but for `after`."""

    example: str
    query: str
    before: str
    after: str


@dataclass(frozen=True, eq=False)
class Flips:
    """All flips by single examples.

    Attributes:
        flips: in the order of examples, then queries.
        queries, players: names of all that were tried.
        deciding: how many answers each example decides alone, `(K,)`; NaN where its class goes with it.
        firm: how many queries keep their answer whichever single example goes.
    """

    flips: tuple[Flip, ...]
    queries: tuple[str, ...]
    players: tuple[str, ...]
    deciding: np.ndarray
    firm: int

    def __str__(self) -> str:
        lines = [f"{self.firm} of {len(self.queries)} answers stay whichever single example goes"]
        lines += [f"  without {f.example}: {f.query} becomes {f.after}, not {f.before}" for f in self.flips]
        gone = [self.players[i] for i in np.flatnonzero(np.isnan(self.deciding))]
        return "\n".join(lines + [f"  {name}: its class disappears with it, so it was not taken out" for name in gone])

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema "fewsight.flips/1"."""
        return plain(of_fields(self) | {"schema": "fewsight.flips/1"})


def flips(case: Crowd) -> Flips:
    """Adapt without each example ("renormalise": as if it had never been given) and compare the answers."""
    names = [str(name) for name in class_names(case.support)]
    if not names:
        raise ExplanationError("a regression task has no answers that could flip")
    before, gone = case.answers().argmax(-1), sole_examples(case)
    after = np.where(gone[:, None], before, np.nan_to_num(case.without_each()).argmax(-1))
    changed = after != before
    found = tuple(
        Flip(case.names[i], case.query_names[q], names[before[q]], names[after[i, q]]) for i, q in np.argwhere(changed)
    )
    return Flips(
        flips=found,
        queries=case.query_names,
        players=case.names,
        deciding=np.where(gone, np.nan, changed.sum(1)),
        firm=int((~changed.any(0)).sum()),
    )
