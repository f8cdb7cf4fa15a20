"""How do tasks that exist in the world (assays, hospitals, patients) become few-shot tasks? Draw one, then split it.

Here classes are the same in every task ("active", "healthy"...) and what differs is the rule that gives them; or a task
has values to predict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fewsight import tree
from fewsight.domains.asked import check_counts
from fewsight.errors import DataError
from fewsight.task import Support, Task
from fewsight.tree import Tree


@dataclass(frozen=True, eq=False)
class Given:
    """One task of the world with all its examples.

    Attributes:
        name: of the task.
        x: inputs, a tree of tensors `(n, ...)`.
        y: class indices `(n,)` int64, or values `(n, d)`.
        classes: the class names; None in regression.
        group: `(n,)` int64: examples that belong together (a scaffold, a visit) and must not be divided between
            support and queries; None: each stands for itself.
    """

    name: str
    x: Tree
    y: Tensor
    classes: tuple[Hashable, ...] | None = None
    group: Tensor | None = None

    def digest(self) -> bytes:
        """sha256 over name, classes and contents."""
        digest = hashlib.sha256(repr((self.name, self.classes)).encode())
        for leaf in (*tree.leaves(self.x), self.y):
            digest.update(f"{tuple(leaf.shape)}\n".encode() + leaf.contiguous().view(-1).numpy().tobytes())
        return digest.digest()

    def labelled(self, column: int, columns: int) -> Tree:
        """Inputs, and among them as `labels` `(n, columns)` those of two classes: in that column, NaN in the others."""
        if self.classes is None or len(self.classes) != 2 or not isinstance(self.x, Mapping):
            return self.x
        labels = torch.full((len(self.y), columns), torch.nan)
        labels[:, column] = self.y.to(labels.dtype)
        return {**self.x, "labels": labels}


@dataclass(frozen=True, eq=False)
class GivenTasks:
    """Few-shot tasks from given ones, each equally likely.

    Attributes:
        shots: support examples of each class (of the whole task, in regression).
        queries: queries in all, at the proportions of what the support leaves; fewer where fewer are left.
        balanced: False: `shots` times the number of classes are drawn at the task's own proportions, and at least one
            of each class.
        ready: what the chosen inputs go through last (places in a store to tensors).
        least: queries of each class where there are as many: of a class so rare that few queries would have any.
        even: all classes count alike in the queries: an equal number of each is drawn, and where a class has fewer,
            each of them weighs the more.
    """

    tasks: Sequence[Given]
    shots: int
    queries: int
    balanced: bool = True
    ready: Callable[[Tree], Tree] = lambda inputs: inputs
    least: int = 0
    even: bool = False

    def __post_init__(self) -> None:
        check_counts(shots=self.shots, queries=self.queries)
        if not self.tasks:
            raise DataError("there are no tasks in this split")
        for task in self.tasks:
            if task.classes is None:
                found, needed, what = len(task.y), self.shots + 1, "examples"
            else:
                counts = torch.bincount(task.y, minlength=len(task.classes))
                least = int(counts.argmin())
                found, what = int(counts[least]), f"examples of {task.classes[least]!r}"
                needed = (self.shots if self.balanced else 1) + 1
            if found < needed:
                raise DataError(f"task {task.name!r} has {found} {what}, but {needed} are needed: ask for fewer shots")

    def draw(self, rng: np.random.Generator) -> Task:
        """Labels are the class names of the task; in regression targets are `(Q, d)`."""
        task = self.tasks[int(rng.integers(len(self.tasks)))]
        order = rng.permutation(len(task.y))
        support = order[self._support(task, order)]
        rest = np.setdiff1d(order, support)
        if task.group is not None:
            apart = ~np.isin(task.group.numpy()[rest], task.group.numpy()[support])
            rest = rest[apart] if apart.any() else rest
        query = self._query(task, rng.permutation(rest))
        given, asked = torch.from_numpy(support), torch.from_numpy(query)
        labels = task.y[given] if task.classes is None else [task.classes[c] for c in task.y[given].tolist()]
        return Task(
            Support.of(self.ready(tree.take(task.x, given)), labels, classes=task.classes),
            self.ready(tree.take(task.x, asked)),
            task.y[asked],
            self._weight(task, task.y[asked]),
            name=task.name,
        )

    def _query(self, task: Given, rest: np.ndarray) -> np.ndarray:
        """The queries, of what may be asked in random order."""
        if task.classes is None or not (self.least or self.even):
            return rest[: self.queries]
        y, ways = task.y.numpy()[rest], len(task.classes)
        least = max(self.least, -(-self.queries // ways) if self.even else 0)
        sure = np.concatenate([np.flatnonzero(y == c)[:least] for c in range(ways)])
        others = np.setdiff1d(np.arange(len(rest)), sure)
        return rest[np.concatenate([sure, others])[: self.queries]]

    def _weight(self, task: Given, y: Tensor) -> Tensor:
        """Of the queries, 1 on average."""
        if task.classes is None or not self.even:
            return torch.ones(len(y))
        count = torch.bincount(y, minlength=len(task.classes))
        return len(y) / ((count > 0).sum() * count[y])

    def _support(self, task: Given, order: np.ndarray) -> np.ndarray:
        """Positions in `order` of the support examples."""
        if task.classes is None:
            return np.arange(self.shots)
        y, ways = task.y.numpy()[order], len(task.classes)
        first = [np.flatnonzero(y == c) for c in range(ways)]
        if self.balanced:
            return np.concatenate([positions[: self.shots] for positions in first])
        sure = np.array([positions[0] for positions in first])
        others = np.setdiff1d(np.arange(len(y)), sure)
        return np.concatenate([sure, others[: (self.shots - 1) * ways]])
