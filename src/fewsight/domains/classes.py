"""How do labelled examples of any kind become few-shot tasks? Draw classes, then examples of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from fewsight import tree
from fewsight.domains.asked import check_counts
from fewsight.errors import DataError
from fewsight.task import Support, Task
from fewsight.tree import Tree

Augment = Callable[[Tree, np.random.Generator], Tree]
"""Alters inputs `(n, ...)`, each in its own way; all randomness comes from the generator."""


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
        ready: what the chosen inputs go through (bytes to floats).
        augment: alters them last, at random; None: not at all.
        uneven: classes may have too few examples: those without one more than `shots` are left out, and of the others
            `queries` are asked or as many as are left. False: that is an error.
    """

    classes: Classes
    ways: int
    shots: int
    queries: int
    ready: Callable[[Tree], Tree] = lambda inputs: inputs
    augment: Augment | None = None
    uneven: bool = False

    def __post_init__(self) -> None:
        check_counts(ways=self.ways, shots=self.shots, queries=self.queries)
        if (found := len(self._usable)) < self.ways:
            enough = f" with more than {self.shots} examples" if found < len(self.classes) else ""
            raise DataError(f"{self.ways} ways need {self.ways} classes, but there are {found}{enough}: ask for fewer")
        if self.uneven:
            return
        for name, inputs in zip(self.classes.names, self.classes.inputs, strict=True):
            if (found := tree.length(inputs)) < self.shots + self.queries:
                raise DataError(
                    f"class {name!r} has {found} examples, but {self.shots} shots and {self.queries} queries need "
                    f"{self.shots + self.queries}: ask for fewer, or add examples"
                )

    @cached_property
    def _usable(self) -> list[int]:
        """Numbers of the classes that tasks may have."""
        sizes = [tree.length(inputs) for inputs in self.classes.inputs]
        return [c for c, size in enumerate(sizes) if not self.uneven or size > self.shots]

    def draw(self, rng: np.random.Generator) -> Task:
        """`support.x` are `ways * shots` inputs; labels are the class names."""
        chosen = [self._usable[place] for place in rng.choice(len(self._usable), self.ways, replace=False)]
        names = [self.classes.names[c] for c in chosen]
        support, query, asked = [], [], []
        for c in chosen:
            inputs = self.classes.inputs[c]
            size = tree.length(inputs)
            picked = torch.from_numpy(rng.choice(size, min(size, self.shots + self.queries), replace=False))
            support.append(tree.take(inputs, picked[: self.shots]))
            query.append(tree.take(inputs, picked[self.shots :]))
            asked.append(len(picked) - self.shots)
        labels = [name for name in names for _ in range(self.shots)]
        return Task(
            Support.of(self._made(support, rng), labels, classes=names),
            self._made(query, rng),
            torch.arange(self.ways).repeat_interleave(torch.tensor(asked)),
            name=", ".join(names),
        )

    def _made(self, parts: Sequence[Tree], rng: np.random.Generator) -> Tree:
        inputs = self.ready(tree.concat(parts))
        return inputs if self.augment is None else self.augment(inputs, rng)
