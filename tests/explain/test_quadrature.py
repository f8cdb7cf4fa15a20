"""Integrals along a path know their own error."""

from __future__ import annotations

import numpy as np
import pytest

from fewsight.explain.quadrature import integrate, residual


def test_a_smooth_path_needs_one_panel() -> None:
    found = integrate(lambda a: np.stack([np.exp(a), -np.sin(a)], 1), lambda a: np.exp(a) + np.cos(a))
    np.testing.assert_allclose(found.values, [np.e - 1, np.cos(1) - 1], rtol=1e-14)
    assert found.evaluations == 16
    assert found.end - found.start == pytest.approx(found.values.sum(), abs=1e-14)


@pytest.mark.parametrize("kink", [0.1, 0.31831, 0.77])
def test_kinks_are_bisected_until_they_cost_nothing(kink: float) -> None:
    """A ReLU at `kink`: sixteen nodes miss it, halving the right panels does not."""

    def slope(a: np.ndarray) -> np.ndarray:
        return np.stack([3.0 * (a > kink), np.ones_like(a)], 1)

    def height(a: np.ndarray) -> np.ndarray:
        return 3.0 * np.maximum(a - kink, 0) + a

    coarse = integrate(slope, height, panels=1)
    fine = integrate(slope, height, bound=1e-5, panels=32)
    assert coarse.error > 1e-3
    assert fine.error <= 1e-5 * (fine.end - fine.start)
    np.testing.assert_allclose(fine.values, [3 * (1 - kink), 1], atol=1e-4)
    # Only panels with a kink were halved: far fewer than an even refinement to the same width would take.
    assert fine.evaluations < 16 * 64


def test_refinement_stops_when_told() -> None:
    asked = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 2

    step = integrate(lambda a: (a > 0.3)[:, None] * 1.0, lambda a: np.maximum(a - 0.3, 0), bound=0.0, stop=stop)
    assert step.evaluations == 16 * (1 + 2 + 2)


def test_residual_is_relative_to_the_change_and_bounded_by_rounding() -> None:
    assert residual(np.array([1.0, 0.98]), 3.0, 1.0) == pytest.approx(0.01)
    assert residual(np.array([1e-9]), 5.0, 5.0) == pytest.approx(1e-9 / 5e-6)
