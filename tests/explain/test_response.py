"""Hand-made rules posing as learned ones are recognised by their response curves."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.response import gradient_response, momentum_kernel, responses, scale_response, schedule
from fewsight.inner import CoordinateLSTM, InnerOptimizer, MomentumLSTM, adam, clipped, momentum, nesterov, rmsprop, sgd


def decaying(rate: float, factor: float) -> InnerOptimizer:
    """Gradient descent whose rate falls by `factor` at each step."""
    return InnerOptimizer(
        lambda parameters: rate,
        lambda gradients, state, parameters: (
            {name: value - state * gradients[name] for name, value in parameters.items()},
            state * factor,
        ),
    )


def test_gradient_descent() -> None:
    newest, past, time, scale = responses(sgd(0.3), scale=2.0)
    assert newest.findings == {"rate": pytest.approx(0.3), "threshold": np.inf}
    assert newest.fit == pytest.approx(1)
    assert past.findings["rate"] == pytest.approx(0.3)
    assert past.findings["decay"] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(time.y, 0.3)
    assert scale.findings["power"] == pytest.approx(1)


@pytest.mark.parametrize("decay", [0.5, 0.9])
def test_momentum(decay: float) -> None:
    curve = momentum_kernel(momentum(0.02, decay), lags=25)
    np.testing.assert_allclose(curve.y, -0.02 * decay ** np.arange(25), rtol=1e-9)
    assert curve.findings["decay"] == pytest.approx(decay, abs=1e-6)
    assert curve.findings["rate"] == pytest.approx(0.02)
    assert curve.findings["total"] == pytest.approx(0.02 * (1 - decay**25) / (1 - decay))
    assert curve.fit == pytest.approx(1)
    assert gradient_response(momentum(0.02, decay)).findings["rate"] == pytest.approx(0.02)
    assert schedule(momentum(0.02, decay), steps=200).findings["last"] == pytest.approx(0.02 / (1 - decay), rel=1e-6)
    assert momentum_kernel(nesterov(0.02, decay)).fit < 0.999


@pytest.mark.parametrize(("threshold", "scale"), [(1.0, 1.0), (0.07, 1.0), (5.0, 1.0), (0.3, 40.0)])
def test_clipping(threshold: float, scale: float) -> None:
    curve = gradient_response(clipped(sgd(0.1), threshold), scale=scale)
    assert curve.findings["threshold"] == pytest.approx(threshold, rel=1e-3)
    assert curve.findings["rate"] == pytest.approx(0.1, rel=1e-3)
    assert curve.fit > 0.9999


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_adam(scale: float) -> None:
    rule = adam(0.01, (0.8, 0.999))
    assert schedule(rule, scale=scale).findings["last"] * scale == pytest.approx(0.01, rel=1e-4)
    assert scale_response(rule, scale=scale).findings["power"] == pytest.approx(0, abs=1e-2)
    kernel = momentum_kernel(rule, scale=scale)
    assert kernel.findings["decay"] == pytest.approx(0.8, abs=0.01)
    assert kernel.findings["total"] * scale == pytest.approx(0.01, rel=0.1)
    assert kernel.fit > 0.99


def test_rmsprop_and_a_schedule() -> None:
    assert scale_response(rmsprop(0.01)).findings["power"] == pytest.approx(0, abs=1e-3)
    curve = schedule(decaying(0.1, 0.97), steps=40, scale=3.0)
    np.testing.assert_allclose(curve.y, 0.1 * 0.97 ** np.arange(40))
    assert curve.findings["ratio"] == pytest.approx(0.97**39)
    assert curve.findings["first"] == pytest.approx(0.1)


@pytest.mark.parametrize("kind", [CoordinateLSTM, MomentumLSTM])
def test_learned_rules_have_curves(kind: type[CoordinateLSTM | MomentumLSTM]) -> None:
    torch.manual_seed(0)
    rule = kind().double()
    for curve in responses(rule, scale=0.5):
        assert np.isfinite(curve.y).all()
        assert curve.x.shape == curve.y.shape == curve.spread.shape
        json.dumps(curve.to_json(), allow_nan=False)
        assert curve.question in str(curve)


def test_a_rule_that_stands_still_has_no_response_to_scale() -> None:
    with pytest.raises(ExplanationError, match="does not move"):
        scale_response(sgd(0.0))


def test_what_a_rule_with_a_memory_did_before_changes_its_curve() -> None:
    torch.manual_seed(0)
    assert gradient_response(CoordinateLSTM()).spread.max() > 0
    assert gradient_response(momentum(0.1)).spread.max() == pytest.approx(0, abs=1e-12)
