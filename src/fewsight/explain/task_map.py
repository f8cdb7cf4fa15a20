"""Has the learner met anything like this task? Its nearest meta-training tasks, a map, and a verdict (C2).

The distance of a task is its mean distance to the nearest recorded tasks, in the space of what adaptation does (see
`experience.embedding`). How far is ordinary is told by tasks that were held out: a share p of them lies as far away or
farther. A task drawn like those has p <= .1 in at most one case of ten and p <= .01 in one of a hundred, whatever the
learner, whatever the distribution. Vovk, Gammerman & Shafer, "Algorithmic Learning in a Random World", 2005.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fewsight.errors import ExplanationError
from fewsight.experience.embedding import FIT, embed, method
from fewsight.experience.value import Experience, shape_of
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.task import Task

SCHEMA = "fewsight.task_map/1"
EDGE, OUTSIDE = 0.1, 0.01
"""Shares of ordinary tasks that are this far away or farther, from which on a task is at the edge, and outside."""
SAME = 0.1
"""The least scale of fit: 10 % more or less of a loss are the same, even where all recorded tasks agree to 1 %."""
NEIGHBOURS = 5
"""Recorded tasks whose mean distance counts."""


@dataclass(frozen=True)
class Neighbour:
    """A recorded meta-training task and its distance."""

    name: str
    distance: float


@dataclass(frozen=True, eq=False)
class TaskMap:
    """Where a task lies among those that the learner was trained on.

    Attributes:
        verdict: "inside", "at the edge of" or "outside" the learner's experience; "unknown" with nothing held out.
        p: share of ordinary tasks that are as far away or farther, this one counted among them; in (0, 1].
        distance: mean distance to the nearest recorded tasks, on the scale of `_Space`.
        ordinary: the same of the tasks held out, sorted.
        nearest: the nearest recorded tasks.
        here, recorded, held_out: places on the plane of the two directions in which recorded tasks differ most.
        shown: the share of their variance that the plane shows.
        names: of the recorded tasks, in the order of `recorded`.
        method: what a task is described by.
        notes: limits, a sentence each.
    """

    verdict: str
    p: float
    distance: float
    ordinary: tuple[float, ...]
    nearest: tuple[Neighbour, ...]
    here: tuple[float, float]
    recorded: tuple[tuple[float, float], ...]
    held_out: tuple[tuple[float, float], ...]
    shown: float
    names: tuple[str, ...]
    method: str
    notes: tuple[str, ...] = field(default=())

    @property
    def percentile(self) -> float:
        """Percent of the tasks held out that are nearer to the learner's experience."""
        return 100 * float(np.mean(np.asarray(self.ordinary) < self.distance)) if self.ordinary else float("nan")

    def __str__(self) -> str:
        lines = [self.sentence]
        lines += [f"  {each.distance:.3f}  {each.name}" for each in self.nearest]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    @property
    def sentence(self) -> str:
        """The verdict for a reader."""
        if self.verdict == "unknown":
            return "No tasks were held out, so how far away is ordinary is not known; the nearest training tasks are:"
        return (
            f"This task is {self.verdict} the learner's experience: farther from its training tasks than "
            f"{self.percentile:.0f} % of {len(self.ordinary)} ordinary tasks; nearest are:"
        )

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`."""
        record = asdict(self) | {"schema": SCHEMA, "sentence": self.sentence}
        return record | {
            "percentile": self.percentile if self.ordinary else None,
            "p": self.p if self.ordinary else None,
        }


def task_map(case: Case, experience: Experience) -> TaskMap:
    """Where the support of `case` lies among the tasks that its learner was trained on; the query has no part in it.

    Raises:
        ExplanationError: the record is of another learner, or of other settings of adaptation.
    """
    space, here = _Space(experience), _here(case, experience)
    recorded, ordinary = space.recorded, np.sort(space.distance(space.held_out))
    place = space.scaled(here[None])
    distance = float(space.distance(place)[0])
    p = float((1 + (ordinary >= distance).sum()) / (1 + len(ordinary)))
    away = np.linalg.norm(recorded - place, axis=1)
    nearest = np.argsort(away, kind="stable")[:NEIGHBOURS]
    flat = space.plane(np.concatenate([place, recorded, space.held_out]))
    points = [(float(x), float(y)) for x, y in flat]
    return TaskMap(
        verdict=_verdict(p) if len(ordinary) else "unknown",
        p=p,
        distance=distance,
        ordinary=tuple(ordinary.tolist()),
        nearest=tuple(Neighbour(experience.names[i], float(away[i])) for i in nearest),
        here=points[0],
        recorded=tuple(points[1 : 1 + len(recorded)]),
        held_out=tuple(points[1 + len(recorded) :]),
        shown=space.shown,
        names=experience.names,
        method=method(case.learner),
        notes=_notes(case, experience),
    )


def task_similarity(case: Case, experience: Experience) -> Explanation:
    """exp(-d_i^2 / 2) of the distance to each recorded task, `(M,)`: which meta-training tasks are like this one?

    Raises:
        ExplanationError: see `task_map`.
    """
    space = _Space(experience)
    away = np.linalg.norm(space.recorded - space.scaled(_here(case, experience)[None]), axis=1)
    return Explanation(
        kind="task_similarity",
        question="Which meta-training tasks are like this one, as this learner sees tasks?",
        values=np.exp(-np.square(away) / 2),
        players=experience.names,
        target=f"likeness by {method(case.learner)}",
        value=float(np.exp(-np.square(away.min()) / 2)),
        baseline=None,
        baseline_name="",
        semantics="readout",
        notes=("Likeness, not effect: task_influence says what training on a task did to this prediction.",),
        provenance=case.record(tasks=experience.size),
    )


class _Space:
    """Embeddings on one scale: unit variance over the recorded tasks for *where*, and at most that for each *fit*."""

    def __init__(self, experience: Experience) -> None:
        known = experience.embeddings.numpy()
        self.mean = known.mean(0)
        spread = np.square(known - self.mean).mean(0)
        spread[:-FIT] = spread[:-FIT].sum() or 1.0
        spread[-FIT:] = spread[-FIT:].clip(min=SAME**2)
        self.scale = 1 / np.sqrt(spread)
        self.recorded, self.held_out = self.scaled(known), self.scaled(experience.held_out.numpy())
        _, size, axes = np.linalg.svd(self.recorded, full_matrices=False)
        self.axes = np.zeros((2, known.shape[1]))
        self.axes[: len(axes)] = axes[:2]
        total = np.square(size).sum()
        self.shown = float(np.square(size[:2]).sum() / total) if total > 0 else 1.0

    def scaled(self, embeddings: np.ndarray) -> np.ndarray:
        return (embeddings - self.mean) * self.scale

    def distance(self, places: np.ndarray) -> np.ndarray:
        """Mean distance `(B,)` of `places` to the nearest recorded tasks."""
        squared = np.square(places).sum(1)[:, None] + np.square(self.recorded).sum(1) - 2 * places @ self.recorded.T
        return np.sort(np.sqrt(squared.clip(min=0)), axis=1)[:, :NEIGHBOURS].mean(1)

    def plane(self, places: np.ndarray) -> np.ndarray:
        """Their first two principal components, `(B, 2)`."""
        return places @ self.axes.T


def _here(case: Case, experience: Experience) -> np.ndarray:
    """The embedding of the support, once the learner has been found to be the one that was recorded."""
    with case.frozen():
        probe = experience.witness.query
        again = embed(case.learner, experience.witness.support, probe).numpy()
        known = experience.embeddings[0].numpy()
        if again.shape != known.shape or not np.allclose(again, known, rtol=1e-2, atol=1e-3 * np.abs(known).max()):
            raise ExplanationError(
                "the record of meta-training belongs to other weights or other settings of adaptation: "
                "use the learner as the run left it"
            )
        here = embed(case.learner, case.support, probe).numpy()
    if here.shape != known.shape:
        raise ExplanationError("this support set is of another kind than the recorded tasks")
    return here


def _verdict(p: float) -> str:
    if p > EDGE:
        return "inside"
    return "at the edge of" if p > OUTSIDE else "outside"


def _notes(case: Case, experience: Experience) -> tuple[str, ...]:
    count, notes = len(experience.held_out), []
    if 0 < count < 1 / OUTSIDE - 1:
        notes.append(
            f"Only {count} tasks were held out, too few to call anything outside: {1 / OUTSIDE - 1:.0f} would do."
        )
    here = shape_of(Task(case.support, case.query, case.support.y))
    if experience.shape and here != experience.shape:
        notes.append(f"Ordinary tasks have {experience.shape}, this one {here}: a part of the distance may be that.")
    return tuple(notes)
