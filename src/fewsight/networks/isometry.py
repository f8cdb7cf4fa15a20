"""How do rows of any length become rows of a fixed one? By a fixed random turn that keeps inner products."""

from __future__ import annotations

import numpy as np


def isometry(rows: int, columns: int) -> np.ndarray:
    """A matrix `(rows, columns)` that keeps inner products: exactly where columns >= rows, else on average."""
    size = max(rows, columns)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))[0]
    return turn[:rows, :columns] * (size / columns) ** 0.5
