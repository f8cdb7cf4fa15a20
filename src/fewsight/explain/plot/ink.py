"""What do all pictures share? Colours, the height of a line, and names short enough to stand beside it."""

from __future__ import annotations

import numpy as np

FOR, AGAINST = "#0072B2", "#D55E00"
"""Okabe & Ito's blue and vermilion, which readers with any colour vision tell apart."""
ROW = 0.17
"""Height of a line of text with its bar, inches."""
NAME = 32
"""Letters of a name that are shown."""


def short(name: str, letters: int = NAME) -> str:
    """The name with its middle left out where it is long."""
    half = (letters - 1) // 2
    return name if len(name) <= letters else f"{name[:half].rstrip()}…{name[-half:].lstrip()}"


def picks(values: np.ndarray) -> bool:
    """Whether the values only say which players are chosen: 1 or 0, and some are."""
    return bool(np.isin(values, (0.0, 1.0)).all() and values.any())
