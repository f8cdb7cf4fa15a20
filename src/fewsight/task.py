"""What is a task? A support set of weighted, labelled examples, queries, and what the queries should answer.

The words of the whole house: *support* (the labelled examples a model is made from), *query* (what it is asked),
*ways* N (number of classes), *shots* (examples of a class), K examples and Q queries in all.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from fewsight import tree
from fewsight.errors import DataError
from fewsight.tree import Tree


@dataclass(frozen=True, eq=False)
class Support:
    """The labelled examples of one task, each with a weight.

    Attributes:
        x: inputs, a tree of tensors `(K, ...)`.
        y: class indices `(K,)` (int64) in classification, values `(K, d)` in regression.
        weight: `(K,)`; 1 = present, 0 = absent, and anything between for derivatives and paths.
        reference: `(K,)`; the weights whose *sums* normalise. It equals `weight` ("renormalise": as if an example of
            weight 0 had never been given) unless an explanation asks what happens when an example falls silent while
            everything else keeps its share ("drop": then it stays what it was before).
        ways: number of classes N; None in regression.
        labels: the N class names in order, any hashable kind; None in regression.
    """

    x: Tree
    y: Tensor
    weight: Tensor
    reference: Tensor
    ways: int | None
    labels: tuple[Hashable, ...] | None = None

    @classmethod
    def of(
        cls,
        x: Tree,
        y: Sequence[Hashable] | Tensor,
        *,
        weight: Tensor | None = None,
        classes: Sequence[Hashable] | None = None,
    ) -> Support:
        """A support set from inputs and labels (classification) or a floating-point tensor (regression).

        Args:
            x: inputs `(K, ...)`.
            y: K labels of any hashable kind, an integer tensor `(K,)`, or a float tensor `(K,)` / `(K, d)`: regression.
            weight: `(K,)`, default all 1.
            classes: the class names in the order the scores shall have; default: order of first appearance.

        Raises:
            DataError: no examples, lengths that differ, labels outside `classes`, or NaN values.
        """
        size = tree.length(x)
        if size == 0:
            raise DataError("the support set is empty: give at least one labelled example")
        if len(y) != size:
            raise DataError(f"the support set has {size} inputs but {len(y)} labels: give one label for each")
        if weight is None:
            weight = torch.ones(size, dtype=tree.float_dtype(x), device=tree.leaves(x)[0].device)
        if isinstance(y, Tensor) and y.is_floating_point():
            if not bool(torch.isfinite(y).all()):
                raise DataError("the support values contain NaN or infinity: remove or fill those examples")
            return cls(x, y.reshape(size, -1), weight, weight, None)
        given: list[Hashable] = y.tolist() if isinstance(y, Tensor) else list(y)
        names = tuple(dict.fromkeys(given)) if classes is None else tuple(classes)
        position = {name: index for index, name in enumerate(names)}
        if unknown := [name for name in given if name not in position]:
            raise DataError(f"support label {unknown[0]!r} is not among the classes {list(names)}")
        index = torch.tensor([position[name] for name in given], device=weight.device)
        return cls(x, index, weight, weight, len(names), names)

    @property
    def size(self) -> int:
        return self.y.shape[0]

    @property
    def one_hot(self) -> Tensor:
        """Labels as indicator rows, `(K, N)`."""
        assert self.ways is not None
        return (self.y[:, None] == torch.arange(self.ways, device=self.y.device)).to(self.weight.dtype)

    @property
    def class_total(self) -> Tensor:
        """Sum of reference weights of each class, `(N,)`."""
        return self.reference @ self.one_hot

    @property
    def present(self) -> Tensor:
        """Which classes have any example, `(N,)` bool. A class that has none gets no probability."""
        return self.class_total > 0

    @property
    def share(self) -> Tensor:
        """Each example's share of the whole set, `(K,)`; sums to 1 under "renormalise"."""
        return self.weight / positive(self.reference.sum())

    @property
    def class_share(self) -> Tensor:
        """Each example's share of its own class, `(K, N)`; columns of present classes sum to 1 under "renormalise"."""
        return self.one_hot * self.weight[:, None] / positive(self.class_total)

    def reweighted(self, weight: Tensor, *, drop: bool = False) -> Support:
        """The same examples under other weights; `drop` keeps the old normalisation (see `reference`)."""
        return replace(self, weight=weight, reference=self.reference if drop else weight)

    def take(self, index: Any) -> Support:
        """Only the examples `index`; classes and their order stay."""
        return replace(
            self,
            x=tree.take(self.x, index),
            y=self.y[index],
            weight=self.weight[index],
            reference=self.reference[index],
        )

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Support:
        x, y, weight, reference = tree.to((self.x, self.y, self.weight, self.reference), dtype, device)
        return replace(self, x=x, y=y, weight=weight, reference=reference)


@dataclass(frozen=True, eq=False)
class Task:
    """A support set, Q queries, and their targets.

    Attributes:
        query: a tree of tensors `(Q, ...)`.
        target: class indices `(Q,)` or values `(Q, d)`.
        query_weight: `(Q,)`, of each in the loss; 0 hides a query that only pads a batch.
        name: where the task comes from, for tables and reports.
    """

    support: Support
    query: Tree
    target: Tensor
    query_weight: Tensor = field(default=None)  # type: ignore[assignment]  # filled below
    name: str = ""

    def __post_init__(self) -> None:
        if self.query_weight is None:
            object.__setattr__(self, "query_weight", self.support.weight.new_ones(tree.length(self.query)))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Task:
        query, target, weight = tree.to((self.query, self.target, self.query_weight), dtype, device)
        return replace(self, support=self.support.to(dtype, device), query=query, target=target, query_weight=weight)


def positive(total: Tensor) -> Tensor:
    """`total`, or 1 where it is 0: what has no members divides by nothing and stays 0, with finite derivatives."""
    return torch.where(total > 0, total, torch.ones_like(total))


def stack(tasks: Sequence[Task]) -> Task:
    """Tasks of one kind as one task whose tensors have a leading task dimension `(B, ...)`.

    Unequal support or query sizes are padded with examples of weight 0, unequal ways with classes that have no example:
    by the contract neither changes a prediction. Class names are left out: they differ between the tasks.
    """
    size = max(task.support.size for task in tasks)
    queries = max(task.target.shape[0] for task in tasks)
    ways = max((task.support.ways for task in tasks if task.support.ways is not None), default=None)
    padded = [_pad(task, size, queries, ways) for task in tasks]
    return tree.tree_map(lambda *parts: torch.stack(parts), *padded)


def _pad(task: Task, size: int, queries: int, ways: int | None) -> Task:
    support, more, later = task.support, size - task.support.size, queries - task.target.shape[0]
    if more:
        hidden = support.weight.new_zeros(more)
        support = replace(
            support,
            x=tree.pad(support.x, size),
            y=tree.pad(support.y, size),
            weight=torch.cat([support.weight, hidden]),
            reference=torch.cat([support.reference, hidden]),
        )
    query, target, weight = task.query, task.target, task.query_weight
    if later:
        query, target = tree.pad(query, queries), tree.pad(target, queries)
        weight = torch.cat([weight, weight.new_zeros(later)])
    return Task(replace(support, ways=ways, labels=None), query, target, weight)


# Registered as trees, so that torch.func maps and differentiates through supports and tasks as they are.
pytree.register_pytree_node(
    Support,
    lambda s: ([s.x, s.y, s.weight, s.reference], (s.ways, s.labels)),
    lambda values, context: Support(*values, *context),
    serialized_type_name="fewsight.Support",
)
pytree.register_pytree_node(
    Task,
    lambda t: ([t.support, t.query, t.target, t.query_weight], t.name),
    lambda values, name: Task(*values, name),  # type: ignore[call-arg]
    serialized_type_name="fewsight.Task",
)
