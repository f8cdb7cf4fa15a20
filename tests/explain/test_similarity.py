"""Similarity of features: invariances, and no similarity by chance."""

from __future__ import annotations

import numpy as np
import pytest

from fewsight.explain.similarity import linear_cka, mean_cca


def test_independent_features_of_few_inputs_look_alike_only_with_bias() -> None:
    """64-d features of 5 and 25 inputs: biased .93 and .72, debiased 0 on average."""
    generator = np.random.default_rng(0)
    for n, biased in {5: 0.93, 25: 0.72}.items():
        draws = generator.standard_normal((400, 2, n, 64))
        assert abs(np.mean([linear_cka(x, y) for x, y in draws])) < 0.05
        assert np.mean([linear_cka(x, y, debiased=False) for x, y in draws]) == pytest.approx(biased, abs=0.01)


def test_cka_is_blind_to_rotation_scale_and_shift_but_not_to_stretching() -> None:
    generator = np.random.default_rng(1)
    x = generator.standard_normal((20, 6))
    turn = np.linalg.qr(generator.standard_normal((6, 6)))[0]
    for debiased in (True, False):
        assert linear_cka(x, 3 * x @ turn + 5, debiased=debiased) == pytest.approx(1, abs=1e-12)
        stretched = x @ np.diag([10, 1, 1, 1, 1, 1])
        assert linear_cka(x, stretched, debiased=debiased) < 0.95


def test_debiased_cka_is_the_ratio_of_unbiased_estimates() -> None:
    """Song et al. 2012, equation 5, written out."""
    generator = np.random.default_rng(2)
    n = 9
    x, y = generator.standard_normal((n, 3)), generator.standard_normal((n, 4))

    def hsic(k: np.ndarray, m: np.ndarray) -> float:
        k, m, one = k - np.diag(np.diag(k)), m - np.diag(np.diag(m)), np.ones(n)
        corner = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        return (np.trace(k @ m) + corner - 2 / (n - 2) * (one @ k @ m @ one)) / (n * (n - 3))

    k, m = x @ x.T, y @ y.T
    assert linear_cka(x, y) == pytest.approx(hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m)), abs=1e-12)


def test_cca_is_blind_to_any_linear_map_and_knows_a_shared_direction() -> None:
    generator = np.random.default_rng(3)
    x = generator.standard_normal((50, 4))
    assert mean_cca(x, x @ generator.standard_normal((4, 4)) + 1) == pytest.approx(1, abs=1e-10)
    q = np.linalg.qr(np.c_[np.ones(50), generator.standard_normal((50, 5))])[0][:, 1:]
    assert mean_cca(q[:, :3], q[:, 2:]) == pytest.approx(1 / 3, abs=1e-10)


def test_what_is_not_defined_is_not_a_number() -> None:
    x = np.random.default_rng(4).standard_normal((5, 8))
    assert np.isnan(linear_cka(x[:3], x[:3]))
    assert np.isnan(linear_cka(np.full((5, 2), 0.1), x))
    assert np.isnan(mean_cca(x, x))
