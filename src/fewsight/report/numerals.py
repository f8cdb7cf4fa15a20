"""How are numbers printed for a reader? With a true minus, a sign where direction matters, and no digits beyond use."""

from __future__ import annotations

from math import isnan, log10


def signed(value: float, largest: float | None = None) -> str:
    """`+0.83`, `−0.0042`; "n/a" where it is not defined.

    Args:
        largest: the largest of the values printed side by side, which then all have the decimals that it needs.
    """
    decimals = _decimals(value) if largest is None else _decimals(largest / 10)
    return "n/a" if isnan(value) else _minus(f"{value:+.{decimals}f}")


def plain(value: float) -> str:
    """`2.75`, `−1.39`, `0.0042`; "n/a" where it is not defined."""
    return "n/a" if isnan(value) else _minus(f"{value:.{_decimals(value)}f}")


def percent(share: float) -> str:
    """`94.2%`; the ends say that they are not reached."""
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}%"


def points(difference: float) -> str:
    """A difference of two shares in percentage points, signed."""
    return _minus(f"{100 * difference:+.1f}")


def capital(sentence: str) -> str:
    """The sentence with a capital at its start and everything else as it is."""
    return sentence[:1].upper() + sentence[1:]


def _decimals(value: float) -> int:
    """Two, or as many as show two digits of a small value, six at most."""
    return 2 if isnan(value) or value == 0 or abs(value) >= 0.095 else min(6, 1 - int(log10(abs(value)) // 1))


def _minus(text: str) -> str:
    return text.replace("-", "−")
