"""Are all groups served alike, and whose examples decide for whom? Performance and influence by group.

A gap compares a group with all queries outside it. Influence adds up the effects of support examples, so a row of the
matrix sums to what adaptation gained for that group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.crowd import Crowd, losses
from fewsight.explain.effects import Effects
from fewsight.explain.proportions import difference, wilson
from fewsight.explain.record import of_fields, plain
from fewsight.explain.statistics import Interval, mean_interval
from fewsight.explain.target import class_names

RESAMPLES = 2000
"""Bootstrap samples behind the interval of a difference of mean losses."""


@dataclass(frozen=True)
class Performance:
    """How the queries of one group are answered.

    Attributes:
        group: its name; "all" for everybody.
        queries: how many.
        accuracy: the share answered rightly, with its Wilson interval; None in regression.
        loss: mean loss, with its 95 % interval by Student's t.
        unadapted_loss: the same from the un-adapted model.
        answers: the share of each answer (selection rates); empty in regression.
    """

    group: str
    queries: int
    accuracy: float | None
    accuracy_interval: Interval | None
    loss: float
    loss_interval: Interval | None
    unadapted_loss: float
    answers: dict[str, float]

    def __str__(self) -> str:
        hits = ""
        if self.accuracy is not None and self.accuracy_interval is not None:
            hits = f"accuracy {self.accuracy:.1%} [{self.accuracy_interval[0]:.1%}, {self.accuracy_interval[1]:.1%}], "
        spread = "" if self.loss_interval is None else " [{:.3f}, {:.3f}]".format(*self.loss_interval)
        return f"{self.group} ({self.queries}): {hits}loss {self.loss:.3f}{spread}"


@dataclass(frozen=True)
class Gap:
    """A group's accuracy (classification) or mean loss (regression and `measure` "loss") minus that of all others.

    Attributes:
        interval: 95 %: Newcombe's for a difference of accuracies, the percentile bootstrap for one of mean losses.
    """

    group: str
    measure: str
    value: float
    interval: Interval

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.interval[0] <= 0 <= self.interval[1]

    def __str__(self) -> str:
        said = "" if self.clear else " (could be chance)"
        return (
            f"{self.group}: {self.measure} {self.value:+.3f} against the others "
            f"[{self.interval[0]:+.3f}, {self.interval[1]:+.3f}]{said}"
        )


@dataclass(frozen=True, eq=False)
class Fairness:
    """Attributes:
    groups: of the queries, in order of name; `support_groups` those of the support examples.
    performance: of each group.
    gaps: of each group against all others, accuracy first.
    influence: mean over a group's queries (rows) of the summed effects of a support group's examples (columns).
    shares: how many support examples each support group has.
    """

    groups: tuple[str, ...]
    support_groups: tuple[str, ...]
    performance: tuple[Performance, ...]
    gaps: tuple[Gap, ...]
    influence: np.ndarray
    shares: tuple[int, ...]

    def __str__(self) -> str:
        lines = ["by group:", *(f"  {each}" for each in self.performance), *(f"  {gap}" for gap in self.gaps)]
        lines.append("  whose examples decide for whom (rows: queries of; columns: examples of):")
        width = max(map(len, (*self.groups, *self.support_groups, "+0.0000")))
        lines.append("  " + " ".join(f"{cell:>{width}}" for cell in ("", *self.support_groups)))
        for group, row in zip(self.groups, self.influence, strict=True):
            lines.append("  " + " ".join(f"{cell:>{width}}" for cell in (group, *(f"{value:+.4f}" for value in row))))
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema "fewsight.fairness/1"."""
        return plain(of_fields(self) | {"schema": "fewsight.fairness/1"})


def performance(case: Crowd, queries: np.ndarray | None = None, group: str = "all") -> Performance:
    """How the queries that are marked in `queries` `(Q,)` (default: all) are answered."""
    here = np.ones(case.size, dtype=bool) if queries is None else queries
    scores, labels = case.answers(), [str(name) for name in class_names(case.support)]
    mean, spread = mean_interval(_losses(case, scores)[here])
    spread = None if spread is None else (max(0.0, spread[0]), spread[1])  # a loss is never negative
    hits = _hits(case)
    answered = np.bincount(scores[here].argmax(-1), minlength=len(labels)) / here.sum() if labels else np.zeros(0)
    return Performance(
        group=group,
        queries=int(here.sum()),
        accuracy=None if hits is None else float(hits[here].mean()),
        accuracy_interval=None if hits is None else wilson(int(hits[here].sum()), int(here.sum())),
        loss=mean,
        loss_interval=spread,
        unadapted_loss=float(_losses(case, case.unadapted())[here].mean()),
        answers=dict(zip(labels, answered.tolist(), strict=True)),
    )


def fairness(
    case: Crowd, effects: Effects, groups: Sequence[str], support_groups: Sequence[str] | None = None
) -> Fairness:
    """Performance, gaps and influence by group.

    Args:
        groups: the group of each query.
        support_groups: the group of each support example; default: each example a group of its own.

    Raises:
        ExplanationError: unlabelled queries, another number of groups than of queries or examples, or one group only.
    """
    if not case.labelled:
        raise ExplanationError("groups are compared by how well they are answered, so their queries need labels")
    sides = support_groups if support_groups is not None else case.names
    for given, size, what in ((groups, case.size, "queries"), (sides, case.support.size, "support examples")):
        if len(given) != size:
            raise ExplanationError(f"{len(given)} groups for {size} {what}: give one for each")
    names = tuple(sorted(set(groups)))
    if len(names) < 2:
        raise ExplanationError(f"all queries are of one group ({names[0]!r}), so there is nothing to compare")
    columns = tuple(dict.fromkeys(sides)) if support_groups is None else tuple(sorted(set(sides)))
    rows = np.array(groups)[None] == np.array(names)[:, None]
    members = np.array(sides)[None] == np.array(columns)[:, None]
    generator = np.random.default_rng([case.seed, len(names)])
    return Fairness(
        groups=names,
        support_groups=columns,
        performance=tuple(performance(case, here, name) for here, name in zip(rows, names, strict=True)),
        gaps=tuple(_gaps(case, rows, names, generator)),
        influence=np.stack([effects.values[here].mean(0) for here in rows]) @ members.T,
        shares=tuple(members.sum(1).tolist()),
    )


def _gaps(case: Crowd, rows: np.ndarray, names: tuple[str, ...], generator: np.random.Generator) -> list[Gap]:
    hits, lost = _hits(case), _losses(case, case.answers())
    found = []
    if hits is not None:
        for here, name in zip(rows, names, strict=True):
            counts = (int(hits[here].sum()), int(here.sum()), int(hits[~here].sum()), int((~here).sum()))
            found.append(Gap(name, "accuracy", counts[0] / counts[1] - counts[2] / counts[3], difference(*counts)))
    for here, name in zip(rows, names, strict=True):
        drawn = [generator.choice(lost[side], (RESAMPLES, int(side.sum()))).mean(1) for side in (here, ~here)]
        low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
        found.append(Gap(name, "loss", float(lost[here].mean() - lost[~here].mean()), (float(low), float(high))))
    return found


def _hits(case: Crowd) -> np.ndarray | None:
    """Which queries are answered rightly, `(Q,)` bool; None in regression."""
    return None if case.support.ways is None else case.answers().argmax(-1) == case.truth.numpy()


def _losses(case: Crowd, scores: np.ndarray) -> np.ndarray:
    return losses(torch.from_numpy(scores), case.truth).numpy()
