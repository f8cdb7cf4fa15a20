"""What is a domain? A named source of tasks, divided into splits that share no class (or no task of the world).

A domain knows its data; a *family* is what tasks of one shape (ways, shots, queries) are drawn from.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from fewsight.baselines import Baseline, defaults
from fewsight.domains.asked import check_split
from fewsight.domains.classes import Augment, Classes, ClassTasks
from fewsight.domains.episodes import TaskFamily
from fewsight.domains.format import Format
from fewsight.domains.given import Given, GivenTasks
from fewsight.errors import DataError
from fewsight.tree import Tree


class Domain(Protocol):
    """What every domain offers."""

    @property
    def name(self) -> str:
        """The name `open_domain` knows it by."""
        ...

    @property
    def outputs(self) -> int | None:
        """None in classification; the dimension d of the values in regression."""
        ...

    @property
    def input_shape(self) -> Any:
        """Shape of one input, without the example dimension: images `(channels, height, width)`; where an input is a
        tree, the same tree of shapes."""
        ...

    @property
    def format(self) -> Format | None:
        """How its models see raw inputs; None where nobody brings inputs of their own (sine waves)."""
        ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """What a test measures, the main figure first; names of `fewsight.metrics`, () for the usual one."""
        ...

    @property
    def baselines(self) -> Mapping[str, Baseline]:
        """The simple methods a test prints beside the learner, by name."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to its data that a reader of its figures should know, a sentence each."""
        ...

    @property
    def fingerprint(self) -> str:
        """sha256 (hexadecimal) of everything the domain serves: equal fingerprints mean equal tasks."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits: "train", "val", "test"."""
        ...

    def inputs(self, split: str) -> Iterable[Tree]:
        """All inputs of a split, in portions `(n, ...)`: what a network may prepare itself on.

        Where classes differ from task to task a portion is one class, without labels. Where tasks exist in the world it
        is one task (molecules of a library, which assays share, come once), with `labels` `(n, tasks)` among the inputs
        if they have two classes: NaN where a task says nothing.
        """
        ...

    def family(self, split: str, *, ways: int, shots: int, queries: int) -> TaskFamily:
        """Tasks of `ways` classes with `shots` support examples and `queries` queries each.

        Where tasks exist in the world, `ways` means nothing; shots are those of each class (in regression, as in
        `queries`: of the whole task).

        Raises:
            RecipeError: unknown split, or a number below 1.
            DataError: the split has too few classes, or a class too few examples.
        """
        ...


class _Read(ABC):
    """What every domain is that holds its data as its format keeps it."""

    format: Format

    @property
    @abstractmethod
    def splits(self) -> tuple[str, ...]: ...

    @abstractmethod
    def digest(self, split: str) -> bytes:
        """Of all that a split serves."""

    @property
    def input_shape(self) -> Any:
        return self.format.shape

    @cached_property
    def fingerprint(self) -> str:
        total = hashlib.sha256(repr(self.format).encode())
        for split in self.splits:
            total.update(f"\n{split}\n".encode() + self.digest(split))
        return total.hexdigest()


@dataclass(frozen=True, eq=False)
class ClassDomain(_Read):
    """A domain of named classes for each split.

    Attributes:
        format: how its models see raw inputs.
        classes: by split; their inputs are as they are kept, `format.ready` makes them the model's.
        augment: alters the inputs of tasks of split "train" at random; see `ClassTasks`.
        uneven: classes may have too few examples; see `ClassTasks`.
        notes: what was done to the data, a sentence each.
    """

    name: str
    format: Format
    classes: Mapping[str, Classes]
    metrics: tuple[str, ...] = ()
    baselines: Mapping[str, Baseline] = field(default_factory=defaults)
    augment: Augment | None = None
    uneven: bool = False
    outputs: None = None
    notes: tuple[str, ...] = ()

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.classes)

    def digest(self, split: str) -> bytes:
        return self.classes[split].digest()

    def inputs(self, split: str) -> Iterable[Tree]:
        check_split(self.name, split, self.splits)
        return (self.format.ready(inputs) for inputs in self.classes[split].inputs)

    def family(self, split: str, *, ways: int, shots: int, queries: int) -> ClassTasks:
        check_split(self.name, split, self.splits)
        try:
            augment = self.augment if split == "train" else None
            return ClassTasks(self.classes[split], ways, shots, queries, self.format.ready, augment, self.uneven)
        except DataError as error:
            raise DataError(f"{self.name}, split {split!r}: {error}") from None


@dataclass(frozen=True, eq=False)
class GivenDomain(_Read):
    """A domain of tasks that exist in the world, for each split; attributes as in `ClassDomain`.

    Attributes:
        draw: makes the family from tasks, shots and queries; default `GivenTasks`.
    """

    name: str
    format: Format
    tasks: Mapping[str, Sequence[Given]]
    metrics: tuple[str, ...] = ()
    baselines: Mapping[str, Baseline] = field(default_factory=defaults)
    outputs: int | None = None
    draw: Callable[[Sequence[Given], int, int], TaskFamily] = GivenTasks
    notes: tuple[str, ...] = ()

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.tasks)

    def digest(self, split: str) -> bytes:
        return b"".join(task.digest() for task in self.tasks[split])

    def inputs(self, split: str) -> Iterable[Tree]:
        check_split(self.name, split, self.splits)
        tasks = self.tasks[split]
        return (task.labelled(place, len(tasks)) for place, task in enumerate(tasks))

    def family(self, split: str, *, ways: int, shots: int, queries: int) -> TaskFamily:
        check_split(self.name, split, self.splits)
        try:
            return self.draw(self.tasks[split], shots, queries)
        except DataError as error:
            raise DataError(f"{self.name}, split {split!r}: {error}") from None
