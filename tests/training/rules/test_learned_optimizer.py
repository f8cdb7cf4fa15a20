"""Learned optimizers: their trajectories, their training, and their use on a model of one's own."""

from __future__ import annotations

import copy
import io
from pathlib import Path

import pytest
import torch
from torch import nn

from fewsight.errors import LearnerError, RunError
from fewsight.inner import AsTorchOptimizer, CoordinateLSTM, LearnedOptimizer, MetaLSTM, MomentumLSTM, Tuned
from fewsight.inner.families import quadratics
from fewsight.inner.learned import preprocess
from fewsight.inner.problems import Problems, reached
from fewsight.training import checkpoint
from fewsight.training.rules.training import load_rule, save_rule, train_optimizer

KINDS = [CoordinateLSTM, MetaLSTM, MomentumLSTM]


def test_preprocessing_is_that_of_the_paper() -> None:
    g = torch.tensor([torch.e**-3, -(torch.e**-3), torch.e**-12, 0.0])
    expected = torch.tensor([[-0.3, 1.0], [-0.3, -1.0], [-1.0, torch.e**-2], [-1.0, 0.0]])
    torch.testing.assert_close(preprocess(g), expected)


@pytest.mark.parametrize(("kind", "lr"), list(zip(KINDS, (1e-2, 1e-2, 3e-3), strict=True)))
def test_training_lowers_the_loss_it_reaches_on_unseen_problems(kind: type[LearnedOptimizer], lr: float) -> None:
    torch.manual_seed(0)
    rule = kind(0.01)
    unseen = quadratics(size=4, batch=100)(torch.Generator().manual_seed(99))
    before = reached(rule, unseen, 20).mean()
    train_optimizer(rule, quadratics(size=4, batch=16), episodes=40, steps=20, unroll=10, lr=lr)
    assert reached(rule, unseen, 20).mean() < 0.7 * before


def test_a_rule_that_diverges_on_one_batch_survives_it() -> None:
    rule = MomentumLSTM(hidden=4)

    def family(generator: torch.Generator) -> Problems:
        problems = quadratics(size=3, batch=4)(generator)
        return Problems(problems.start, lambda p, step=None: problems.losses(p) * (torch.inf if step else 1.0))

    before = copy.deepcopy(rule.state_dict())
    train_optimizer(rule, family, episodes=2, steps=4, unroll=2)
    assert all(torch.equal(value, before[name]) for name, value in rule.state_dict().items())


def test_what_was_best_on_validation_problems_is_kept() -> None:
    torch.manual_seed(0)
    rule, validation = MomentumLSTM(0.02, hidden=4), quadratics(size=3, batch=8)(torch.Generator().manual_seed(5))
    before = copy.deepcopy(rule)
    seen: list[float] = []

    def follow(episode: int, loss: float) -> None:
        if episode % 10 == 0 or episode == 25:
            seen.append(float(reached(rule, validation, 6).mean()))

    # So fast that it does not end where it was best.
    train_optimizer(
        rule,
        quadratics(size=3, batch=8),
        episodes=25,
        steps=6,
        unroll=6,
        lr=0.5,
        validation=validation,
        on_episode=follow,
    )
    assert float(reached(rule, validation, 6).mean()) == min(seen)
    assert any(not torch.equal(p, q) for p, q in zip(rule.parameters(), before.parameters(), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_rule_is_made_again(kind: type[LearnedOptimizer], tmp_path: Path) -> None:
    torch.manual_seed(0)
    rule = kind(0.05, hidden=7)
    save_rule(tmp_path / "rule.json", rule)
    again = load_rule(tmp_path / "rule.json")
    assert type(again) is kind
    assert again.settings == rule.settings
    problems = quadratics(size=3, batch=2)(torch.Generator().manual_seed(0))
    assert torch.equal(reached(again, problems, 5), reached(rule, problems, 5))


def test_tuned_hyper_parameters_are_trained_and_saved_as_rules_are(tmp_path: Path) -> None:
    rule, problems = Tuned("momentum", 0.001), quadratics(size=4, batch=50)(torch.Generator().manual_seed(99))
    before = reached(rule, problems, 20).mean()
    train_optimizer(rule, quadratics(size=4, batch=16), episodes=40, steps=20, unroll=20, lr=0.05)
    assert reached(rule, problems, 20).mean() < 0.7 * before
    save_rule(tmp_path / "rule.json", rule)
    assert torch.equal(reached(load_rule(tmp_path / "rule.json"), problems, 5), reached(rule, problems, 5))


def test_what_is_no_rule_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "other.json", {"weights": torch.zeros(2)})
    with pytest.raises(RunError, match="not of a learned optimizer"):
        load_rule(tmp_path / "other.json")
    checkpoint.save(tmp_path / "new.json", {"kind": "MetaLSTN", "settings": {}, "tensors": {}})
    with pytest.raises(LearnerError, match="did you mean 'MetaLSTM'"):
        load_rule(tmp_path / "new.json")


@pytest.mark.parametrize("kind", KINDS)
def test_its_state_is_saved_with_the_optimizer(kind: type[LearnedOptimizer]) -> None:
    torch.manual_seed(0)
    learned, x, y = kind(0.05), torch.randn(8, 3), torch.randn(8, 2)
    model = nn.Linear(3, 2)
    optimizer = AsTorchOptimizer(model.parameters(), learned)

    def follow(model: nn.Linear, optimizer: AsTorchOptimizer) -> torch.Tensor:
        for _ in range(3):
            optimizer.zero_grad()
            (model(x) - y).square().mean().backward()
            optimizer.step()
        return torch.cat([model.weight.flatten(), model.bias]).detach()

    follow(model, optimizer)
    twin, fresh = copy.deepcopy(model), copy.deepcopy(model)
    resumed = AsTorchOptimizer(twin.parameters(), learned)
    kept = io.BytesIO()
    torch.save(optimizer.state_dict(), kept)
    kept.seek(0)
    resumed.load_state_dict(torch.load(kept, weights_only=True))
    onward = follow(model, optimizer)
    assert torch.equal(onward, follow(twin, resumed))
    assert not torch.allclose(onward, follow(fresh, AsTorchOptimizer(fresh.parameters(), learned)), atol=1e-5)


def test_schedulers_scale_its_steps_and_groups_may_join() -> None:
    torch.manual_seed(0)
    layers = [nn.Linear(3, 3), nn.Linear(3, 3)]
    optimizer = AsTorchOptimizer(layers[0].parameters(), CoordinateLSTM(0.05))
    optimizer.add_param_group({"params": layers[1].parameters(), "lr": 0.5})
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.0)
    for layer in layers:
        layer.weight.data.zero_()
        layer.weight.grad = torch.linspace(-1, 1, 9).reshape(3, 3)
    optimizer.step()
    assert layers[0].weight.any()
    torch.testing.assert_close(layers[1].weight, layers[0].weight / 2)
    scheduler.step()
    before = layers[0].weight.clone()
    optimizer.step()
    assert torch.equal(layers[0].weight, before)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_an_ordinary_optimizer_saved_and_loaded(kind: type[LearnedOptimizer], tmp_path: Path) -> None:
    torch.manual_seed(0)
    learned = kind(0.05)
    save_rule(tmp_path / "rule.json", learned)
    loaded = load_rule(tmp_path / "rule.json")
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
