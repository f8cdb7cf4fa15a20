"""How alike are two sets of features of the same inputs? Numbers that do not depend on how features are rotated."""

from __future__ import annotations

import numpy as np


def linear_cka(x: np.ndarray, y: np.ndarray, *, debiased: bool = True) -> float:
    """Linear centred kernel alignment of features `(n, p)` and `(n, q)`; 1 = the same up to rotation and scale.

    Kornblith et al., "Similarity of Neural Network Representations Revisited", 2019, section 3, with the unbiased
    estimate of Song et al., "Feature Selection via Dependence Maximization", 2012, equation 5: few inputs with many
    features make the biased one near 1 whatever they are (.93 for independent 64-d features of 5 inputs). NaN where it
    is not defined: fewer than 4 inputs (2 if biased), or features that do not vary.
    """
    center = _u_centred if debiased else _centred
    if len(x) < (4 if debiased else 2):
        return float("nan")
    x, y = _around_mean(x), _around_mean(y)
    a, b = center(x @ x.T), center(y @ y.T)
    scale = np.linalg.norm(a) * np.linalg.norm(b)
    return float((a * b).sum() / scale) if scale > 0 else float("nan")


def mean_cca(x: np.ndarray, y: np.ndarray) -> float:
    """Mean squared canonical correlation of features `(n, p)` and `(n, q)`, over the min(p, q) directions.

    Hotelling 1936; table 1 of Kornblith et al. 2019. It is 1 for any features once their directions outnumber the
    inputs, so it is NaN unless n > p + q counted by rank.
    """
    a, b = _directions(x), _directions(y)
    fewest = min(a.shape[1], b.shape[1])
    if not fewest or len(x) <= a.shape[1] + b.shape[1]:
        return float("nan")
    return float(np.square(a.T @ b).sum() / fewest)


def _around_mean(x: np.ndarray) -> np.ndarray:
    """Features minus their mean; exactly 0 where nothing but rounding is left."""
    away = x - x.mean(0)
    return away if np.abs(away).max(initial=0) > 1e-12 * np.abs(x).max(initial=0) else np.zeros_like(x)


def _centred(gram: np.ndarray) -> np.ndarray:
    return gram - gram.mean(0) - gram.mean(1, keepdims=True) + gram.mean()


def _u_centred(gram: np.ndarray) -> np.ndarray:
    """Without the diagonal, rows and columns sum to 0: the inner product of two such is the unbiased estimate."""
    n = len(gram)
    gram = gram - np.diag(np.diag(gram))
    rows = gram.sum(0) / (n - 2)
    centred = gram - rows - rows[:, None] + gram.sum() / ((n - 1) * (n - 2))
    return centred - np.diag(np.diag(centred))


def _directions(x: np.ndarray) -> np.ndarray:
    """Orthonormal directions of the centred features, `(n, rank)`."""
    u, size, _ = np.linalg.svd(_around_mean(x), full_matrices=False)
    return u[:, size > 1e-9 * max(size.max(initial=0), 1e-300)]
