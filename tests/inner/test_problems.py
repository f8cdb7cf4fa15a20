"""Trajectories: each problem by itself, gradients as constants, history where it is wanted."""

from __future__ import annotations

import pytest
import torch

from fewsight.inner import CoordinateLSTM, Parameters, adam, clipped, named, sgd
from fewsight.inner.families import quadratics
from fewsight.inner.names import OPTIMIZERS
from fewsight.inner.problems import Problems, each, reached, trajectory


def draw(batch: int = 4) -> Problems:
    return quadratics(size=3, batch=batch)(torch.Generator().manual_seed(0))


def test_gradient_descent_on_quadratics_is_known() -> None:
    problems = draw()
    start = problems.start["theta"].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(problems.losses({"theta": start}).sum(), start)
    ((before, gradients, after),) = trajectory(sgd(0.01), problems, 1)
    assert before is problems.start
    torch.testing.assert_close(gradients["theta"], gradient)
    torch.testing.assert_close(after["theta"], start.detach() - 0.01 * gradient)
    torch.testing.assert_close(reached(sgd(0.01), problems, 1), problems.losses(after))


@pytest.mark.parametrize("name", [*OPTIMIZERS, "clipped"])
def test_problems_of_a_batch_do_not_meet(name: str) -> None:
    torch.manual_seed(0)
    rule = clipped(sgd(0.01), 1.0) if name == "clipped" else named(name, 0.01)
    problems = draw()
    moved = {"theta": problems.start["theta"].clone()}
    moved["theta"][1:] += 1
    first, second = reached(rule, problems, 3), reached(rule, Problems(moved, problems.losses), 3)
    torch.testing.assert_close(first[0], second[0])
    assert (first[1:] - second[1:]).abs().min() > 1e-4


def test_each_passes_on_what_is_not_a_tensor() -> None:
    theta = {"theta": torch.randn(2, 3)}
    rule = adam(0.1)
    state = each(rule.init)(theta)
    _, state = each(rule.update)(theta, state, theta)
    assert state[0] == 1
    _, (step, mean, *_) = rule.update(theta, rule.init(theta), theta)
    assert step == 1
    torch.testing.assert_close(state[1], mean)


def test_history_is_cut_where_asked_and_gradients_are_constants() -> None:
    torch.manual_seed(0)
    rule, problems = CoordinateLSTM(hidden=3), draw()

    def slope(unroll: int | None) -> Parameters:
        rule.zero_grad()
        *_, last = trajectory(rule, problems, 4, unroll=unroll)
        problems.losses(last.after).sum().backward()
        return {name: p.grad.clone() for name, p in rule.named_parameters() if p.grad is not None}

    whole, parts = slope(None), slope(3)
    assert not torch.allclose(whole["out.weight"], parts["out.weight"])
    with torch.no_grad():
        *_, (theta, _, _) = trajectory(rule, problems, 4)
    assert not theta["theta"].requires_grad


def test_a_rule_that_diverges_has_infinite_loss() -> None:
    assert reached(sgd(1e6), draw(), 20).isinf().all()
