"""What of an input that a table has twice? Merged within its task or class, so that no support holds its query.

Where labels of the same input contradict each other, nobody knows which is right, and all are left out; of values that
were measured more than once, the mean is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any


def merged(
    scopes: Sequence[str], keys: Sequence[str], labels: Sequence[Any], values: Sequence[float] | None
) -> tuple[dict[int, Any], tuple[str, ...]]:
    """Rows that stay, each with its label or value, and a sentence for each thing that was done.

    Args:
        scopes: of each row, what it may be repeated in: its task; the same for all where classes are drawn from.
        keys: of each row, equal for the same input.
        values: the labels as numbers; None: they are classes.
    """
    same: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, known in enumerate(zip(scopes, keys, strict=True)):
        same[known].append(row)
    kept: dict[int, Any] = {}
    repeated = contradicting = 0
    for first, *others in same.values():
        of = [first, *others]
        if values is not None:
            kept[first] = fmean(values[row] for row in of)
        elif len({str(labels[row]) for row in of}) == 1:
            kept[first] = labels[first]
        else:
            contradicting += len(of)
            continue
        repeated += len(others)
    how = "" if values is None else " (of their values the mean was taken)"
    said = (
        (repeated, f"{repeated} rows repeat an input and were merged with it{how}"),
        (contradicting, f"{contradicting} rows were left out: the same input with different labels"),
    )
    return kept, tuple(sentence for count, sentence in said if count)
