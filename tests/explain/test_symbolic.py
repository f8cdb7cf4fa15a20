"""Hand-made rules posing as learned ones are written down as what they are."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.formula import Formula, observed
from fewsight.explain.pysr import _rows, search
from fewsight.explain.symbolic import symbolic
from fewsight.explain.terms import DECAYS, SQUARES, Watcher, library
from fewsight.inner import CoordinateLSTM, InnerOptimizer, MomentumLSTM, adam, clipped, momentum, rmsprop, sgd
from fewsight.inner.families import digit_networks, quadratics
from fewsight.inner.problems import Problems, reached, trajectory

FAMILY = quadratics(size=5, batch=24)


@pytest.mark.parametrize(
    ("rule", "texts", "coefficient"),
    [
        (sgd(0.01), {"g"}, -0.01),
        (momentum(0.01, 0.9), {"sum(0.9)"}, -0.01),
        (momentum(0.01, 0.7345), {"sum(0.7345)"}, -0.01),
        (clipped(sgd(0.05), 3.21), {"g min(1, 3.21/|g|)"}, -0.05),
        (adam(0.1), {"mean(0.9)/size(0.999)"}, -0.1),
        (adam(0.1, (0.0, 0.99)), {"g/size(0.99)"}, -0.1),
    ],
    ids=["sgd", "momentum", "another momentum", "clipped", "adam", "adam without momentum"],
)
def test_simple_rules_are_recovered(rule: InnerOptimizer, texts: set[str], coefficient: float) -> None:
    found = symbolic(rule, FAMILY, steps=40)
    assert {term.text for term in found.formula.terms} == texts
    assert found.formula.coefficients == pytest.approx((coefficient,), rel=1e-3)
    assert found.r2 > 0.999
    assert found.loss_formula == pytest.approx(found.loss_rule, rel=0.05)
    assert found.diverged == 0
    json.dumps(found.to_json(), allow_nan=False)


def test_a_rule_outside_the_library_is_explained_nearly() -> None:
    found = symbolic(rmsprop(0.05, alpha=0.95), FAMILY, steps=40)  # without the correction of its start
    assert 0.9 < found.r2 < 0.9999
    assert found.path[0] < max(found.path)


def test_what_is_reported_is_of_unseen_problems() -> None:
    """R2 and losses are those of the third batch, by their definitions."""
    rule, seed = clipped(momentum(0.01), 2.0), 5
    found = symbolic(rule, FAMILY, steps=20, seed=seed)
    unseen = FAMILY(torch.Generator().manual_seed(3 * seed + 2))
    formula = found.formula.optimizer
    assert found.loss_formula == pytest.approx(float(reached(formula, unseen, 20).mean()), rel=1e-5)
    assert found.loss_rule == pytest.approx(float(reached(rule, unseen, 20).mean()), rel=1e-5)
    y, guess = [], []
    for signals, taken in observed(found.formula.watcher, trajectory(rule, unseen, 20)):
        y.append(taken["theta"])
        guess.append(found.formula.step(signals["theta"]))
    steps, error = torch.stack(y), torch.stack(y) - torch.stack(guess)
    assert found.r2 == pytest.approx(1 - float(error.square().sum() / (steps - steps.mean()).square().sum()), abs=1e-9)
    assert found.difference is not None
    assert found.r2 < 0.99  # momentum of clipped gradients is not in the library


def test_the_formula_that_works_best_can_be_asked_for() -> None:
    """Bounded steps: the longest formula follows them best, but not where it goes by itself."""
    torch.manual_seed(0)
    rule = MomentumLSTM(0.5, hidden=3, power=1.0)
    true, useful = (symbolic(rule, FAMILY, steps=40, by=by) for by in ("r2", "loss"))
    held = FAMILY(torch.Generator().manual_seed(1))
    assert true.path == useful.path
    assert true.r2 > useful.r2
    assert reached(useful.formula.optimizer, held, 40).mean() < reached(true.formula.optimizer, held, 40).mean()


def test_an_untrained_network_is_explained_for_what_it_does() -> None:
    torch.manual_seed(0)
    rule = CoordinateLSTM(0.01, hidden=4)
    found = symbolic(rule, digit_networks((3,), batch=2, images=64), steps=6, most=3)
    assert len(found.path) == 3
    assert found.r2 < 0.9
    assert "of the variance of the steps on unseen problems" in str(found)
    assert all(p.grad is None for p in rule.parameters())


def test_terms_are_what_they_are_called() -> None:
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    watcher, theta = Watcher(DECAYS), {"t": torch.zeros(3, dtype=torch.float64)}
    state = watcher.init(theta)
    for g in gradients:
        signals, state = watcher.see({"t": g}, state, theta)
    values = {term.text: term.of(signals["t"]) for term in library(2.0, thresholds=[0.5])}
    lag = torch.arange(5, -1, -1)[:, None]
    total = (0.9**lag * gradients).sum(0)
    torch.testing.assert_close(values["sum(0.9)"], total)
    mean = total * 0.1 / (1 - 0.9**6)
    torch.testing.assert_close(values["mean(0.9)"], mean)
    square = (0.99**lag * gradients.square()).sum(0) * 0.01 / (1 - 0.99**6)
    torch.testing.assert_close(values["mean(0.9)/size(0.99)"], mean / square.sqrt())
    torch.testing.assert_close(values["tanh(g/2)"], (gradients[-1] / 2).tanh())
    torch.testing.assert_close(values["clip(g, 0.5)"], gradients[-1].clamp(-0.5, 0.5))
    torch.testing.assert_close(values["g min(1, 0.5/|g|)"], gradients[-1] * 0.5 / gradients[-1].norm())
    assert len(values) == len(library(2.0, thresholds=[0.5]))
    assert all(v in SQUARES for v in state[2])


def test_a_formula_can_diverge_where_the_rule_does_not_and_says_so() -> None:
    terms = library(1.0)
    wild = Formula((terms[2],), (-10.0,), Watcher(DECAYS))
    assert str(wild) == "step = -10 g"
    assert reached(wild.optimizer, FAMILY(torch.Generator().manual_seed(0)), 100).isinf().all()


def test_what_has_no_step_to_explain_is_refused() -> None:
    with pytest.raises(ExplanationError, match="diverges"):
        symbolic(sgd(1e6), FAMILY, steps=60)
    with pytest.raises(ExplanationError, match="does not move"):
        symbolic(sgd(0.0), FAMILY, steps=3)

    def flat(generator: torch.Generator) -> Problems:
        return Problems({"t": torch.zeros(2, 3)}, lambda p, step=None: (0 * p["t"]).sum(-1))

    with pytest.raises(ExplanationError, match="gradients of these problems are 0"):
        symbolic(sgd(0.1), flat, steps=3)


@pytest.mark.skipif(importlib.util.find_spec("pysr") is not None, reason="PySR is installed")
def test_the_search_says_what_it_needs() -> None:
    with pytest.raises(ExplanationError, match=r"fewsight\[pysr\]"):
        search(sgd(0.1), FAMILY)


def test_what_the_search_is_shown_are_the_steps_of_the_rule() -> None:
    x, y = _rows(sgd(0.1), FAMILY(torch.Generator().manual_seed(0)), 3, 50, np.random.default_rng(0))
    assert x.shape == (50, 3)
    np.testing.assert_allclose(y, -0.1 * x[:, 0], rtol=1e-4, atol=1e-5)
