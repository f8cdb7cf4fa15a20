"""How do a trained run and a person's own data become a task? Read as the run's model sees its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fewsight import tree
from fewsight.domains import GUESSED, Columns, Examples, Format, simple_methods
from fewsight.domains.format import Compares, Fits
from fewsight.errors import DataError
from fewsight.learner import Learner
from fewsight.rejection import Rejection
from fewsight.sameness import repeats
from fewsight.task import Support, Task
from fewsight.training import Run


@dataclass(frozen=True, eq=False)
class UserTask:
    """A run and its learner, a support set and queries, read by `form`.

    `notes` says what was done to them, `doubts` what makes answers say less than they seem to.
    """

    run: Run
    learner: Learner
    form: Format
    support: Support
    examples: Examples
    queries: Examples

    @cached_property
    def repeats(self) -> tuple[str, ...]:
        """Queries that are support examples, and support examples that contradict each other."""
        return tuple(repeats(self.form, self.support, self.examples, self.queries))

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """These, and queries that are unlike all of the support."""
        unlike = self.form.doubts(self.examples, self.queries) if isinstance(self.form, Compares) else []
        return (*self.repeats, *unlike)

    @property
    def nearness(self) -> tuple[str, ...]:
        """How near each query is to the support; () where the format cannot say."""
        return tuple(self.form.nearness(self.examples, self.queries)) if isinstance(self.form, Compares) else ()

    @property
    def notes(self) -> tuple[str, ...]:
        said = [f"support: {note}" for note in self.examples.notes]
        return (*said, *(f"query: {note}" for note in self.queries.notes))


def read_task(
    run: str | Path,
    support: Path,
    query: Path | Sequence[Path],
    columns: Columns = GUESSED,
    *,
    single: bool = False,
) -> UserTask:
    """The learner of `run`, a support set (a folder of images by class, a table), and the queries.

    Args:
        query: an image, a folder, a table, or several of these; with `single` it must hold one query.
        columns: what the columns of tables mean.

    Raises:
        RunError, DataError: see `Run.learner` and `Format`.
    """
    opened = Run.open(run)
    form = opened.format
    if isinstance(form, Fits):  # rows of any columns: the support says which
        form = form.for_support(support, columns)
    given, examples = form.read_support(support, columns)
    values, learns = given.ways is None, opened.values
    if values != learns:
        said = {True: "values to predict", False: "classes"}
        raise DataError(
            f"{support} has {said[values]} as labels, but the model of {run} learns {said[learns]}: give those"
        )
    queries = form.read_query(query, columns) if isinstance(query, Path) else _together(query, form, columns)
    if single and len(queries.names) != 1:
        raise DataError(f"{query} holds {len(queries.names)} queries: explain one at a time, give a single one")
    return UserTask(opened, opened.learner(), form, given, examples, queries)


def answers(task: UserTask) -> list[dict[str, Any]]:
    """For each query: its name, the prediction, and the probability of each class; in regression the value."""
    model = task.learner.adapt(task.support)
    if task.support.ways is None:
        values = model.predict(task.queries.x)
        return [
            {"query": name, "prediction": value[0] if len(value) == 1 else value}
            for name, value in zip(task.queries.names, torch.as_tensor(values).tolist(), strict=True)
        ]
    labels = [str(label) for label in task.support.labels or ()]
    found: list[dict[str, Any]] = []
    for name, row in zip(task.queries.names, model.probabilities(task.queries.x).tolist(), strict=True):
        shares = dict(zip(labels, row, strict=True))
        found.append({"query": name, "prediction": max(labels, key=shares.__getitem__), "probabilities": shares})
    return found


def strangers(task: UserTask, rejection: Rejection) -> list[bool]:
    """Which queries are none of the classes."""
    return rejection.rejects(task.learner.adapt(task.support), task.queries.x).tolist()


def simple_answers(task: UserTask) -> dict[str, Tensor]:
    """What simple methods answer to the queries from the same support: their scores `(Q, N)` or `(Q, d)` by name."""
    support, size = task.support, len(task.queries.names)
    asked = Task(support, task.queries.x, support.y.new_zeros(size, *support.y.shape[1:]))
    found = {name: method(asked) for name, method in simple_methods(task.form).items()}
    return {name: scores for name, scores in found.items() if scores is not None}


def simply(task: UserTask) -> dict[str, str]:
    """The answer of each simple method to the one query, as it is printed: a class, or a value."""
    labels = task.support.labels
    return {
        name: f"{scores[0, 0]:.4g}" if labels is None else str(labels[int(scores[0].argmax())])
        for name, scores in simple_answers(task).items()
    }


def _together(paths: Sequence[Path], form: Format, columns: Columns) -> Examples:
    """The queries of several paths, each under the path that was given."""
    found = [form.read_query(path, columns) for path in paths]
    if len(paths) == 1:
        return found[0]
    names = [
        (path if path.name == name else path / name).as_posix()
        for path, queries in zip(paths, found, strict=True)
        for name in queries.names
    ]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"query {twice} was given twice: give each once")
    return Examples(
        tree.concat([queries.x for queries in found]),
        tuple(names),
        tuple(view for queries in found for view in queries.views),
        tuple(f"{path}: {note}" for path, queries in zip(paths, found, strict=True) for note in queries.notes),
        _each([queries.labels for queries in found]),
        _each([queries.groups for queries in found]),
    )


def _each(parts: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """One after the other; None where a part has none."""
    known = [part for part in parts if part is not None]
    return tuple(value for part in known for value in part) if len(known) == len(parts) else None
