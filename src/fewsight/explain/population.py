"""What can be said of a support set from many queries? Its value, its doubtful labels, its confusions, its fairness."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from fewsight.explain.confusion import Confusion, confusion
from fewsight.explain.crowd import Crowd, crowd
from fewsight.explain.effects import Effects, effects
from fewsight.explain.explanation import Explanation
from fewsight.explain.fairness import Fairness, Performance, fairness, performance
from fewsight.explain.flips import Flips, flips
from fewsight.explain.progress import bar
from fewsight.explain.record import of_fields, plain
from fewsight.explain.suspects import Suspects, suspects
from fewsight.explain.valuation import over_queries, valuation
from fewsight.learner import Learner
from fewsight.task import Support
from fewsight.tree import Tree

SCHEMA = "fewsight.population/1"
"""Fields and types are those of docs/population.schema.json; whoever changes them counts this up."""


@dataclass(frozen=True, eq=False)
class Population:
    """One support set seen through many queries.

    Attributes:
        valuation: each support example's value, `(K,)`, with its interval over queries.
        effects: its effect on each query: the data of a bee-swarm.
        suspects: the support's labels, the most doubtful first.
        flips: which single examples decide which answers; None in regression.
        performance, confusion: how the queries are answered; None where their answers are not known (confusion also in
            regression).
        fairness: by group; None without groups.
    """

    valuation: Explanation
    effects: Effects
    suspects: Suspects
    flips: Flips | None
    performance: Performance | None
    confusion: Confusion | None
    fairness: Fairness | None

    def __str__(self) -> str:
        return "\n\n".join(str(part) for part in of_fields(self).values() if part is not None)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`."""
        return plain(of_fields(self) | {"schema": SCHEMA})


@bar("explaining many queries")
def population(
    learner: Learner,
    support: Support,
    queries: Tree,
    truth: Sequence[Hashable] | Tensor | None = None,
    *,
    names: Sequence[str] | None = None,
    query_names: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    support_groups: Sequence[str] | None = None,
    seed: int = 0,
) -> Population:
    """Explain the support set of `learner` by its effects on many queries `(Q, ...)`. Changes nothing in the learner.

    Args:
        truth, names, query_names: see `crowd`.
        groups: the group of each query, and `support_groups` that of each support example; see `fairness`.

    Raises:
        ExplanationError: see `crowd` and `fairness`.
    """
    case = crowd(learner, support, queries, truth, names=names, query_names=query_names, seed=seed)
    return of_crowd(case, groups, support_groups)


def of_crowd(
    case: Crowd, groups: Sequence[str] | None = None, support_groups: Sequence[str] | None = None
) -> Population:
    """The same of a crowd that is there already; whatever it has computed is used again."""
    swarm, classes = effects(case), case.support.ways is not None
    worth = over_queries(valuation(case), swarm.values)
    own = crowd(
        case.learner,
        case.support,
        case.support.x,
        case.support.y,
        names=case.names,
        query_names=case.names,
        seed=case.seed,
        repeatable=case.repeatable,
    )
    return Population(
        valuation=worth,
        effects=swarm,
        suspects=suspects(own, worth.values if case.labelled else None),
        flips=flips(case) if classes else None,
        performance=performance(case) if case.labelled else None,
        confusion=confusion(case) if classes and case.labelled else None,
        fairness=None if groups is None else fairness(case, swarm, groups, support_groups),
    )
