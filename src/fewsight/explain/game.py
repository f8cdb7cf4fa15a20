"""Who deserves what? Values of the players of a cooperative game, from the table of all 2^n coalitions.

A game is an array `(2^n,)` of float64: entry m is what the coalition m earns, bit i of m says whether player i is in
it. Everything here is pure NumPy and knows nothing of learners.
"""

from __future__ import annotations

from math import comb

import numpy as np

from fewsight.errors import ExplanationError

EXACT = 12
"""Players up to which all 2^n coalitions are evaluated."""


def coalitions(players: int) -> np.ndarray:
    """All coalitions as rows `(2^n, n)` of bool, in the order of a game's entries: row 0 is empty, the last is full."""
    return (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(bool)


def players_of(game: np.ndarray) -> int:
    n = int(game.size).bit_length() - 1
    if game.ndim != 1 or game.size != 2**n:
        raise ExplanationError(f"a game of n players has 2^n values in one row, got an array of shape {game.shape}")
    return n


def leave_one_out(game: np.ndarray) -> np.ndarray:
    """v(N) - v(N without i), `(n,)`."""
    full = game.size - 1
    return game[full] - game[full ^ (1 << np.arange(players_of(game)))]


def shapley(game: np.ndarray) -> np.ndarray:
    """Shapley values `(n,)`: the mean contribution over all orders of arrival; they sum to v(N) - v(empty).

    Shapley, "A value for n-person games", 1953.
    """
    n = players_of(game)
    weight = np.array([1 / (n * comb(n - 1, size)) for size in range(n)])
    return np.array([_gains(game, i) @ weight[_sizes(n - 1)] for i in range(n)])


def banzhaf(game: np.ndarray) -> np.ndarray:
    """Banzhaf values `(n,)`: the mean contribution over all coalitions of the others. They need not sum to anything."""
    return np.array([_gains(game, i).mean() for i in range(players_of(game))])


def interactions(game: np.ndarray) -> np.ndarray:
    """Shapley-Taylor interactions of order 2, a symmetric matrix `(n, n)` that sums to v(N) - v(empty).

    The diagonal holds what a player earns alone, v(i) - v(empty). What a pair adds beyond its members is split in half
    between (i, j) and (j, i); positive means that they reinforce each other. Row i sums to i's Shapley value.
    Sundararajan, Dhamdhere & Agarwal, "The Shapley Taylor Interaction Index", 2020, equation 5.
    """
    n = players_of(game)
    matrix = np.diag(game[1 << np.arange(n)] - game[0])
    if n > 1:
        weight = np.array([2 / (n * comb(n - 1, size)) for size in range(n - 1)])[_sizes(n - 2)]
        for i in range(n):
            for j in range(i):
                # Taking out bit i first leaves bit j < i where it was.
                matrix[i, j] = matrix[j, i] = _gains(_gains(game, i), j) @ weight / 2
    return matrix


def arrivals(orders: np.ndarray) -> np.ndarray:
    """The growing coalitions of each order of arrival: orders `(R, n)` to bool `(R, n + 1, n)`, empty to full."""
    rank = np.argsort(orders, axis=1)
    return rank[:, None, :] < np.arange(orders.shape[1] + 1)[None, :, None]


def sample_orders(players: int, pairs: int, generator: np.random.Generator) -> np.ndarray:
    """Random orders of arrival `(2 pairs, n)`, each beside its reverse: early and late arrivals cancel their errors."""
    forward = np.array([generator.permutation(players) for _ in range(pairs)])
    return np.stack([forward, forward[:, ::-1]], axis=1).reshape(2 * pairs, players)


def shapley_from_orders(orders: np.ndarray, earned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values estimated from orders of arrival, and their 95 % intervals.

    Args:
        orders: `(2 P, n)` from `sample_orders`.
        earned: `(2 P, n + 1)`, what the coalitions of `arrivals(orders)` earn.

    Returns:
        values `(n,)`, which sum to v(N) - v(empty) exactly, and intervals `(n, 2)` over the pairs of orders.
    """
    gains = np.empty_like(orders, dtype=np.float64)
    np.put_along_axis(gains, orders, np.diff(earned, axis=1), axis=1)
    pairs = gains.reshape(-1, 2, orders.shape[1]).mean(1)
    mean = pairs.mean(0)
    half = half_width(pairs)
    return mean, np.stack([mean - half, mean + half], axis=1)


def half_width(samples: np.ndarray) -> np.ndarray:
    """Half of the 95 % interval of the mean over the first axis, by Student's t; infinite for one sample."""
    count = samples.shape[0]
    if count < 2:
        return np.full(samples.shape[1:], np.inf)
    from scipy.special import stdtrit  # takes longer to import than all else here

    return stdtrit(count - 1, 0.975) * samples.std(0, ddof=1) / np.sqrt(count)


def _gains(game: np.ndarray, i: int) -> np.ndarray:
    """What player i adds to each coalition of the others, `(2^(n-1),)`, in the order of a game without i."""
    pair = game.reshape(-1, 2, 1 << i)
    return (pair[:, 1] - pair[:, 0]).reshape(-1)


def _sizes(players: int) -> np.ndarray:
    """Members of each coalition, `(2^n,)`."""
    return coalitions(players).sum(1)
