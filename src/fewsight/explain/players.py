"""Who plays? Support examples one by one, or groups of them; and who is the last of a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.target import class_names


@dataclass(frozen=True)
class Partition:
    """Players that are groups of support examples: their names, and the group of each example, `(K,)`."""

    names: tuple[str, ...]
    group: tuple[int, ...]

    def examples(self, masks: np.ndarray) -> np.ndarray:
        """Which examples are present when these players are: `(M, players)` to `(M, K)`."""
        return masks[:, list(self.group)]


def singly(case: Case) -> Partition:
    """Every example a player of its own."""
    return Partition(case.names, tuple(range(case.support.size)))


def by_class(case: Case) -> Partition:
    """Every class a player, with all its examples."""
    names = tuple(f"class {name!r}" for name in class_names(case.support))
    if not names:
        raise ExplanationError("classes as players: a regression task has none; explain the examples")
    return Partition(names, tuple(case.support.y.tolist()))


def by_group(case: Case) -> Partition:
    """Every group of the caller's own a player, with all its examples."""
    if case.groups is None:
        raise ExplanationError("groups as players: none were given; give groups=, one for each support example")
    names = tuple(dict.fromkeys(case.groups))
    return Partition(names, tuple(names.index(group) for group in case.groups))


def sole_examples(case: Case) -> np.ndarray:
    """Which examples are the only one of their class (in regression: the only one), `(K,)` bool."""
    here = case.support.weight.detach().cpu().numpy() > 0
    label = case.support.y.cpu().numpy() if case.support.ways is not None else np.zeros(len(here), dtype=int)
    return here & (np.bincount(label, weights=here)[label] == 1)
