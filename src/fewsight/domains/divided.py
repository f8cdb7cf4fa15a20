"""Which classes (or tasks) are for training, which for validation and test? Decided by their names alone.

Their order is that of the sha256 of their names, so that adding a class moves few others and no seed is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from fewsight.errors import RecipeError

SHARES = (0.6, 0.2, 0.2)


def divided(names: Iterable[str], shares: Sequence[float] = SHARES) -> dict[str, list[str]]:
    """Names by split "train", "val" and "test", each sorted.

    Raises:
        RecipeError: not three shares that sum to 1.
    """
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise RecipeError(f"split must be three shares that sum to 1, got {list(shares)}")
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    first, second = round(shares[0] * len(order)), round((shares[0] + shares[1]) * len(order))
    return {"train": sorted(order[:first]), "val": sorted(order[first:second]), "test": sorted(order[second:])}
