"""Values of cooperative games: axioms, games whose answer is known, and another library's answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest

from fewsight.errors import ExplanationError
from fewsight.explain import game


def random_game(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([n, seed]).uniform(-1, 1, 2**n)


def of(n: int, worth: Callable[[frozenset[int]], float]) -> np.ndarray:
    """The table of a game given as a function of the set of players."""
    return np.array([worth(frozenset(np.flatnonzero(row).tolist())) for row in game.coalitions(n)], dtype=float)


def by_orders(v: np.ndarray) -> np.ndarray:
    """Shapley values from their definition: what players add, averaged over all orders of arrival."""
    n = game.players_of(v)
    total = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        here = 0
        for player in order:
            total[player] += v[here | 1 << player] - v[here]
            here |= 1 << player
    return total / len(orders)


@pytest.mark.parametrize("n", range(1, 8))
def test_shapley_values_are_efficient_to_the_last_digit(n: int) -> None:
    for seed in range(20):
        v = random_game(n, seed)
        assert abs(game.shapley(v).sum() - (v[-1] - v[0])) <= 4.5e-16


@pytest.mark.parametrize("n", range(1, 7))
def test_shapley_values_are_the_mean_over_all_orders(n: int) -> None:
    v = random_game(n)
    np.testing.assert_allclose(game.shapley(v), by_orders(v), atol=1e-14)


@pytest.mark.parametrize("value", [game.shapley, game.banzhaf, game.leave_one_out])
def test_axioms(value: Callable[[np.ndarray], np.ndarray]) -> None:
    """A dummy earns what it earns alone, equal players earn alike, names do not matter, and games add up."""
    inside = game.coalitions(5)
    v = random_game(4)[np.arange(32) & 15] + 0.25 * inside[:, 4]
    assert value(v)[4] == pytest.approx(0.25, abs=1e-14)
    # Players 1 and 2 count only together or as a number.
    symmetric = of(4, lambda s: len(s & {1, 2}) ** 2 + 3.0 * (0 in s) * (3 in s) + 0.5 * len(s & {1, 2}) * (0 in s))
    assert value(symmetric)[1] == pytest.approx(value(symmetric)[2], abs=1e-14)
    order = [2, 0, 3, 1]
    v = random_game(4, 7)
    renamed = of(4, lambda s: float(v[sum(1 << order[i] for i in s)]))
    np.testing.assert_allclose(value(renamed), value(v)[order], atol=1e-14)
    w = random_game(4, 8)
    np.testing.assert_allclose(value(2 * v - 3 * w), 2 * value(v) - 3 * value(w), atol=1e-14)


def test_symmetric_voting() -> None:
    """Five voters, a majority of three decides: a fifth each; a swing vote in 6 of 16 coalitions of the others."""
    v = of(5, lambda s: float(len(s) >= 3))
    np.testing.assert_allclose(game.shapley(v), np.full(5, 1 / 5), atol=1e-15)
    np.testing.assert_allclose(game.banzhaf(v), np.full(5, 6 / 16), atol=1e-15)


def test_airport() -> None:
    """Each piece of the runway is shared by those who need it (Littlechild & Owen 1973)."""
    costs = [1.0, 2.0, 5.0, 9.0]
    v = of(4, lambda s: max((costs[i] for i in s), default=0.0))
    pieces = np.diff([0.0, *costs]) / [4, 3, 2, 1]
    np.testing.assert_allclose(game.shapley(v), pieces.cumsum(), atol=1e-14)


def test_shoes() -> None:
    """Two left shoes and one right one: a pair is worth 1, and the rare shoe gets two thirds."""
    v = of(3, lambda s: float(min(len(s & {0, 1}), len(s & {2}))))
    np.testing.assert_allclose(game.shapley(v), [1 / 6, 1 / 6, 2 / 3], atol=1e-15)
    # Who has a left shoe competes with the other and completes the right one.
    pairs = game.interactions(v)
    assert pairs[0, 1] < 0 < pairs[0, 2]


def test_miners() -> None:
    """Two miners carry one bar of gold: of seven, three pairs carry, and each miner deserves 3/7."""
    v = of(7, lambda s: float(len(s) // 2))
    np.testing.assert_allclose(game.shapley(v), np.full(7, 3 / 7), atol=1e-14)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_interactions_of_a_unanimity_game(size: int) -> None:
    """What only a team of so many earns is shared equally by its pairs; nobody else has any part in it."""
    v = of(5, lambda s: float(s >= set(range(size))))
    pairs = game.interactions(v)
    inside = np.zeros((5, 5))
    inside[:size, :size] = 1 / (size * (size - 1))
    np.fill_diagonal(inside, 0)
    np.testing.assert_allclose(pairs, inside, atol=1e-15)


@pytest.mark.parametrize("n", range(1, 7))
def test_rows_of_interactions_sum_to_shapley_values(n: int) -> None:
    v = random_game(n)
    pairs = game.interactions(v)
    np.testing.assert_allclose(pairs, pairs.T)
    np.testing.assert_allclose(pairs.sum(1), game.shapley(v), atol=1e-14)


def test_agreement_with_shapiq() -> None:
    shapiq = pytest.importorskip("shapiq")
    for n in (2, 5):
        v = random_game(n)

        def worth(masks: np.ndarray, v: np.ndarray = v, n: int = n) -> np.ndarray:
            return v[np.asarray(masks).astype(int) @ (1 << np.arange(n))]

        exact = shapiq.ExactComputer(n_players=n, game=worth)
        singles = [(i,) for i in range(n)]
        np.testing.assert_allclose(game.shapley(v), [exact("SV", order=1)[i] for i in singles], atol=1e-13)
        np.testing.assert_allclose(game.banzhaf(v), [exact("BV", order=1)[i] for i in singles], atol=1e-13)
        taylor = exact("STII", order=2)
        mine = game.interactions(v)
        np.testing.assert_allclose(np.diag(mine), [taylor[i] for i in singles], atol=1e-13)
        for i in range(n):
            for j in range(i + 1, n):
                assert mine[i, j] + mine[j, i] == pytest.approx(taylor[i, j], abs=1e-13)


def test_agreement_with_shap() -> None:
    """SHAP's exact explainer of the function that says what the players present earn."""
    shap = pytest.importorskip("shap")
    for n in (2, 5):
        v = random_game(n)

        def worth(rows: np.ndarray, v: np.ndarray = v, n: int = n) -> np.ndarray:
            return v[rows.astype(int) @ (1 << np.arange(n))]

        explainer = shap.explainers.Exact(worth, shap.maskers.Independent(np.zeros((1, n))))
        found = explainer(np.ones((1, n)))
        np.testing.assert_allclose(game.shapley(v), found.values[0], atol=1e-13)
        assert found.base_values[0] == pytest.approx(v[0])


def test_coalitions_grow_in_the_order_of_arrival() -> None:
    masks = game.arrivals(np.array([[2, 0, 1]]))[0]
    assert masks.tolist() == [[False] * 3, [False, False, True], [True, False, True], [True] * 3]


def test_estimates_from_all_orders_are_exact() -> None:
    v = random_game(4)
    forward = [order for order in permutations(range(4)) if order[0] < order[-1]]
    orders = np.array([o for order in forward for o in (order, order[::-1])])
    earned = v[game.arrivals(orders) @ (1 << np.arange(4))]
    values, interval = game.shapley_from_orders(orders, earned)
    np.testing.assert_allclose(values, game.shapley(v), atol=1e-14)
    assert (interval[:, 0] <= values).all()
    assert (values <= interval[:, 1]).all()


def test_estimates_add_up_and_their_intervals_cover_the_truth() -> None:
    v = random_game(7)
    truth = game.shapley(v)
    hits = 0
    for seed in range(200):
        orders = game.sample_orders(7, 12, np.random.default_rng(seed))
        earned = v[game.arrivals(orders) @ (1 << np.arange(7))]
        values, interval = game.shapley_from_orders(orders, earned)
        assert values.sum() == pytest.approx(v[-1] - v[0], abs=1e-13)
        hits += int(((interval[:, 0] <= truth) & (truth <= interval[:, 1])).sum())
    assert 0.92 <= hits / (200 * 7) <= 0.98


def test_a_table_of_another_size_is_refused() -> None:
    with pytest.raises(ExplanationError, match=r"2\^n values"):
        game.shapley(np.zeros(7))
