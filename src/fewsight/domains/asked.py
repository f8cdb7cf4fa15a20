"""Can what was asked of a domain be meant? Splits that it has, numbers from 1."""

from __future__ import annotations

from collections.abc import Iterable

from fewsight.errors import RecipeError, suggest


def check_split(domain: str, split: str, splits: Iterable[str]) -> None:
    """Raise RecipeError when `split` is not one of `splits`."""
    if split not in (known := tuple(splits)):
        raise RecipeError(f"domain {domain!r} has no split {split!r}{suggest(split, known)}")


def check_counts(**counts: int) -> None:
    """Raise RecipeError when one of the named numbers is below 1."""
    for name, count in counts.items():
        if count < 1:
            raise RecipeError(f"{name} must be at least 1, got {count}")
