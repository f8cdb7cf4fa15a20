"""Which small real changes of an input are there? What a domain offers, and explanations ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fewsight.tree import Tree


@dataclass(frozen=True)
class Variant:
    """An input that differs from a query in one place.

    Attributes:
        text: it in one line, from which a view can be drawn (see `view.Redraws`).
        change: what was exchanged, in words ("–Cl → –H").
        taken: the query's parts that went.
        put: its own parts that came instead.
        donor: the support example that they came from; None: from none, or from the query itself.
        likeness: to the query, 1 for the same.
    """

    text: str
    change: str
    taken: tuple[int, ...]
    put: tuple[int, ...]
    donor: int | None
    likeness: float

    @property
    def size(self) -> int:
        """Parts exchanged: those that went and those that came."""
        return len(self.taken) + len(self.put)


@dataclass(frozen=True, eq=False)
class Variants:
    """Variants of one query, as the model sees them, `(M, ...)`, and what is known of each; fewest exchanges first.

    Attributes:
        tried: how many were made; those that are no input of this kind are not among `known`.
        left: how many larger exchanges were not made.
    """

    x: Tree
    known: tuple[Variant, ...]
    tried: int
    left: int


Offers = Callable[[Sequence[int]], Variants]
"""Variants of one query from what it and the support examples of these numbers are made of.

Raises a DataError where there are none, in one line."""
