"""How sure is a share, and a difference of two? Score intervals hold for few cases and for shares near 0 or 1."""

from __future__ import annotations

from statistics import NormalDist

from fewsight.explain.statistics import Interval

Z = NormalDist().inv_cdf(0.975)


def wilson(hits: int, of: int) -> Interval:
    """95 % interval of a share of `hits` in `of` >= 1 cases. Wilson 1927."""
    share, weight = hits / of, Z * Z / of
    middle = (share + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * (share * (1 - share) / of + weight / of / 4) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(hits: int, of: int, other_hits: int, other_of: int) -> Interval:
    """95 % interval of hits / of - other_hits / other_of for independent cases. Newcombe 1998, method 10."""
    share, other = hits / of, other_hits / other_of
    (low, high), (other_low, other_high) = wilson(hits, of), wilson(other_hits, other_of)
    below = ((share - low) ** 2 + (other_high - other) ** 2) ** 0.5
    above = ((high - share) ** 2 + (other - other_low) ** 2) ** 0.5
    return share - other - below, share - other + above
