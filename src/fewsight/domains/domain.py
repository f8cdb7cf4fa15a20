"""What is a domain? A named source of tasks, divided into splits that share no class.

A domain knows its data; a *family* is what tasks of one shape (ways, shots, queries) are drawn from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from fewsight.domains.episodes import TaskFamily
from fewsight.errors import RecipeError, suggest


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
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the example dimension; images `(channels, height, width)`."""
        ...

    @property
    def fingerprint(self) -> str:
        """sha256 (hexadecimal) of everything the domain serves: equal fingerprints mean equal tasks."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits: "train", "val", "test"."""
        ...

    def family(self, split: str, *, ways: int, shots: int, queries: int) -> TaskFamily:
        """Tasks of `ways` classes with `shots` support examples and `queries` queries each.

        Regression ignores `ways`: a task has `shots` examples and `queries` queries in all.

        Raises:
            RecipeError: unknown split, or a number below 1.
            DataError: the split has too few classes, or a class too few examples.
        """
        ...


def check_split(domain: str, split: str, splits: Iterable[str]) -> None:
    """Raise RecipeError when `split` is not one of `splits`."""
    if split not in (known := tuple(splits)):
        raise RecipeError(f"domain {domain!r} has no split {split!r}{suggest(split, known)}")


def check_counts(**counts: int) -> None:
    """Raise RecipeError when one of the named numbers is below 1."""
    for name, count in counts.items():
        if count < 1:
            raise RecipeError(f"{name} must be at least 1, got {count}")
