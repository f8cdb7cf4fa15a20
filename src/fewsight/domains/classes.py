"""How do labelled examples of any kind become few-shot tasks? Draw classes, then examples of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
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
class Classes:
    """Named classes of inputs.

    Attributes:
        names: the C class names.
        inputs: of each class, a tree of tensors `(n_c, ...)`; one tensor `(C, n, ...)` where all have the same number.
    """

    names: Sequence[str]
    inputs: Tensor | Sequence[Tree]

    def __len__(self) -> int:
        return len(self.names)

    def digest(self) -> bytes:
        """sha256 over names, shapes and contents."""
        digest = hashlib.sha256()
        for name, inputs in zip(self.names, self.inputs, strict=True):
            for leaf in tree.leaves(inputs):
                digest.update(f"{name}\0{tuple(leaf.shape)}\n".encode())
                digest.update(leaf.contiguous().view(-1).numpy().data)
        return digest.digest()


@dataclass(frozen=True, eq=False)
class ClassTasks:
    """Tasks of `ways` classes; support and queries are ordered by class, and no example is in both.

    Attributes:
        ready: what the chosen inputs go through last (bytes to floats).
    """

    classes: Classes
    ways: int
    shots: int
    queries: int
    ready: Callable[[Tree], Tree] = lambda inputs: inputs

    def __post_init__(self) -> None:
        check_counts(ways=self.ways, shots=self.shots, queries=self.queries)
        if len(self.classes) < self.ways:
            raise DataError(
                f"{self.ways} ways need {self.ways} classes, but there are {len(self.classes)}: ask for fewer"
            )
        for name, inputs in zip(self.classes.names, self.classes.inputs, strict=True):
            if (found := tree.length(inputs)) < self.shots + self.queries:
                raise DataError(
                    f"class {name!r} has {found} examples, but {self.shots} shots and {self.queries} queries need "
                    f"{self.shots + self.queries}: ask for fewer, or add examples"
                )

    def draw(self, rng: np.random.Generator) -> Task:
        """`support.x` are `ways * shots` inputs; labels are the class names."""
        chosen = rng.choice(len(self.classes), self.ways, replace=False)
        names = [self.classes.names[c] for c in chosen]
        support, query = [], []
        for c in chosen:
            inputs = self.classes.inputs[c]
            picked = torch.from_numpy(rng.choice(tree.length(inputs), self.shots + self.queries, replace=False))
            support.append(tree.take(inputs, picked[: self.shots]))
            query.append(tree.take(inputs, picked[self.shots :]))
        labels = [name for name in names for _ in range(self.shots)]
        return Task(
            Support.of(self.ready(tree.concat(support)), labels, classes=names),
            self.ready(tree.concat(query)),
            torch.arange(self.ways).repeat_interleave(self.queries),
            name=", ".join(names),
        )
