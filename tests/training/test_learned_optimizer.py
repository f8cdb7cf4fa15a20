"""Learned optimizers: their trajectories, their training, and their use on a model of one's own."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from fewsight.inner import AsTorchOptimizer, CoordinateLSTM, LearnedOptimizer, MetaLSTM, sgd
from fewsight.inner.learned import preprocess
from fewsight.training import checkpoint
from fewsight.training.learned_optimizer import quadratics, train_optimizer, trajectory


def test_gradient_descent_on_quadratics_is_known() -> None:
    problems = quadratics(size=3, batch=4)(torch.Generator().manual_seed(0))
    one = {"theta": problems.start["theta"].clone().requires_grad_()}
    (gradient,) = torch.autograd.grad(problems.losses(one).sum(), one["theta"])
    (loss,) = trajectory(sgd(0.01), problems, 1)
    torch.testing.assert_close(loss, problems.losses({"theta": problems.start["theta"] - 0.01 * gradient}))


def test_problems_of_a_batch_do_not_meet() -> None:
    torch.manual_seed(0)
    optimizer, generator = CoordinateLSTM(), torch.Generator().manual_seed(0)
    problems = quadratics(size=3, batch=4)(generator)
    *_, last = trajectory(optimizer, problems, 3)
    moved = {"theta": problems.start["theta"].clone()}
    moved["theta"][1:] += 1
    *_, again = trajectory(optimizer, type(problems)(moved, problems.losses), 3)
    torch.testing.assert_close(last[0], again[0])
    assert (last[1:] - again[1:]).abs().min() > 1e-4


def test_preprocessing_is_that_of_the_paper() -> None:
    g = torch.tensor([torch.e**-3, -(torch.e**-3), torch.e**-12, 0.0])
    expected = torch.tensor([[-0.3, 1.0], [-0.3, -1.0], [-1.0, torch.e**-2], [-1.0, 0.0]])
    torch.testing.assert_close(preprocess(g), expected)


@pytest.mark.parametrize("kind", [CoordinateLSTM, MetaLSTM])
def test_training_lowers_the_loss_it_reaches_on_unseen_problems(kind: type[LearnedOptimizer]) -> None:
    torch.manual_seed(0)
    optimizer = kind(0.01)
    unseen = quadratics(size=4, batch=100)(torch.Generator().manual_seed(99))

    def reached() -> float:
        with torch.no_grad():
            *_, last = trajectory(optimizer, unseen, 20)
        return float(last.mean())

    before = reached()
    train_optimizer(optimizer, quadratics(size=4, batch=16), episodes=40, steps=20, unroll=10, lr=1e-2)
    assert reached() < 0.7 * before


@pytest.mark.parametrize("kind", [CoordinateLSTM, MetaLSTM])
def test_it_is_an_ordinary_optimizer_saved_and_loaded(kind: type[LearnedOptimizer], tmp_path: Path) -> None:
    torch.manual_seed(0)
    learned = kind(0.05)
    checkpoint.save(tmp_path / "rule.json", dict(learned.state_dict()))
    loaded = kind(0.05)
    loaded.load_state_dict(checkpoint.load(tmp_path / "rule.json"))
    model, x, y = nn.Linear(3, 2), torch.randn(8, 3), torch.randn(8, 2)
    twin = copy.deepcopy(model)
    optimizer = AsTorchOptimizer(model.parameters(), learned)
    by_closure = AsTorchOptimizer(twin.parameters(), loaded)
    value = {name: p.detach().clone() for name, p in model.named_parameters()}
    state = learned.init(value)

    def closure() -> torch.Tensor:
        by_closure.zero_grad()
        loss = (twin(x) - y).square().mean()
        loss.backward()
        return loss

    for _ in range(4):
        optimizer.zero_grad()
        (model(x) - y).square().mean().backward()
        gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        with torch.no_grad():
            value, state = learned.update(gradients, state, value)
        optimizer.step()
        by_closure.step(closure)
    for (name, p), q in zip(model.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p.detach(), value[name])
        assert torch.equal(p, q)
    assert all(p.grad is None for p in learned.parameters())
