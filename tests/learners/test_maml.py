"""MAML against `higher`, closed forms, and its own options."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from cases import regression
from fewsight.errors import LearnerError
from fewsight.learners import MAML
from fewsight.networks import MLP, Conv4
from fewsight.task import Support, Task


def images(seed: int = 0) -> Task:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(15, 1, 16, 16, dtype=torch.float64, generator=generator)
    return Task(Support.of(x[:5], torch.arange(5)), x[5:], torch.arange(5).repeat(2))


def gradient(learner: nn.Module, tasks: list[Task]) -> torch.Tensor:
    losses = [learner.meta_loss(task)[0] for task in tasks]
    found = torch.autograd.grad(torch.stack(losses).mean(), list(learner.parameters()), materialize_grads=True)
    return torch.cat([g.flatten() for g in found])


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = Conv4(hidden=4, size=(16, 16), blocks=3, norm="group")
        self.head = nn.Linear(self.body.out_features, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("kind", ["regression", "images"])
def test_meta_gradient_equals_higher(kind: str, first_order: bool) -> None:
    higher = pytest.importorskip("higher", reason="the test extra installs higher")
    torch.manual_seed(0)
    network = (MLP([3, 8, 2], "tanh") if kind == "regression" else Classifier()).double()
    tasks = [(regression if kind == "regression" else images)(seed) for seed in range(3)]
    loss = F.mse_loss if kind == "regression" else F.cross_entropy
    learner = MAML(network, head=None, inner_steps=3, inner_lr=0.1, outer="first_order" if first_order else "unrolled")
    ours = gradient(learner, tasks)

    network.zero_grad()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for task in tasks:
        with higher.innerloop_ctx(network, optimizer, copy_initial_weights=False) as (fast, inner):
            for _ in range(3):
                fast_loss = loss(fast(task.support.x), task.support.y)
                inner.step(fast_loss, grad_callback=(lambda gs: [g.detach() for g in gs]) if first_order else None)
            (loss(fast(task.query), task.target) / len(tasks)).backward()
    theirs = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


def test_one_step_on_a_linear_model_is_known_in_closed_form() -> None:
    task, rate = regression(), 0.3
    network = nn.Linear(3, 2).double()
    learner = MAML(network, head=None, inner_steps=1, inner_lr=rate)
    x, y = task.support.x, task.support.y
    residual = x @ network.weight.T + network.bias - y  # mean over K examples and 2 outputs of its square is the loss
    weight = network.weight - rate * residual.T @ x / x.shape[0]
    bias = network.bias - rate * residual.mean(0)
    torch.testing.assert_close(learner(task.support, task.query), task.query @ weight.T + bias)


def test_first_order_changes_training_only() -> None:
    task = regression()
    torch.manual_seed(0)
    network = MLP([3, 8, 2], "tanh").double()
    exact, approximate = (MAML(network, head=None, inner_lr=0.1, outer=outer) for outer in ("unrolled", "first_order"))
    assert torch.equal(exact(task.support, task.query), approximate(task.support, task.query))
    torch.testing.assert_close(exact.meta_loss(task)[1], approximate.meta_loss(task)[1])
    assert (gradient(exact, [task]) - gradient(approximate, [task])).abs().max() > 1e-4
    derivative = torch.autograd.grad(approximate(task.support, task.query).sum(), list(network.parameters()))
    reference = torch.autograd.grad(exact(task.support, task.query).sum(), list(network.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(derivative, reference, strict=True))


def test_checkpointed_steps_give_the_same_gradient() -> None:
    torch.manual_seed(0)
    network = Classifier().double()
    plain, saving = (MAML(network, head=None, inner_steps=3, checkpoint_steps=c) for c in (False, True))
    torch.testing.assert_close(gradient(plain, [images()]), gradient(saving, [images()]), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("choice", [{"outer": "first_order"}, {"first_order_until": 1.0}], ids=str)
def test_checkpoints_change_no_first_order_gradient(choice: dict[str, str | float]) -> None:
    torch.manual_seed(0)
    network = Classifier().double()
    plain, saving = (MAML(network, head=None, checkpoint_steps=c, **choice) for c in (False, True))
    plain.progress = saving.progress = 0.0
    torch.testing.assert_close(gradient(plain, [images()]), gradient(saving, [images()]))


def test_a_network_with_its_own_last_layer_learns_fewer_ways_too() -> None:
    torch.manual_seed(0)
    network, task = Classifier().double(), images()
    three = Support.of(task.support.x[:3], torch.arange(3))
    fixed = MAML(network.body, head=5, features=network.body.out_features).double()
    with torch.no_grad():
        fixed.head.weight.copy_(network.head.weight)
        fixed.head.bias.copy_(network.head.bias)
    torch.testing.assert_close(MAML(network, head=None)(three, task.query), fixed(three, task.query))


def test_only_chosen_parameters_adapt() -> None:
    task = images()
    torch.manual_seed(0)
    learner = MAML(Conv4(hidden=4, size=(16, 16)), adapt=["head.*"], inner_steps=2).double()
    theta = learner.adapt(task.support).state["theta"]
    assert set(theta) == {"head.weight", "head.bias"}
    assert theta["head.weight"].shape == (5, 4)
    frozen_head = MAML(Conv4(hidden=4, size=(16, 16)), head=5, adapt=["network.*"], inner_steps=2).double()
    state = frozen_head.adapt(task.support).state["theta"]
    assert torch.equal(state["head.weight"], frozen_head.head.weight)
    assert any(not torch.equal(state[f"network.{n}"], p) for n, p in frozen_head.network.named_parameters())


def test_trace_runs_from_the_meta_parameters_to_the_model() -> None:
    task = images()
    learner = MAML(Conv4(hidden=4, size=(16, 16)), inner_steps=3).double()
    trace = learner.trace(task.support)
    assert len(trace) == 3
    first, *_, last = trace.models()
    body = {name.removeprefix("network."): value for name, value in first.state["theta"].items() if "network" in name}
    assert all(torch.equal(value, dict(learner.network.named_parameters())[name]) for name, value in body.items())
    assert torch.equal(last(task.query), learner(task.support, task.query))
    assert torch.equal(functional_call(learner, {}, (task.support, task.query)), last(task.query))


def test_bad_use_is_told() -> None:
    with pytest.raises(LearnerError, match="fixed head has 3 ways but the task has 5"):
        MAML(Conv4(hidden=4, size=(16, 16)), head=3).double()(images().support, images().query)
    with pytest.raises(LearnerError, match="network gives 5 scores but the task has 6 ways"):
        MAML(Classifier().double(), head=None)(Support.of(images().support.x[[0, 1, 2, 3, 4, 0]], torch.arange(6)), 0)
    with pytest.raises(LearnerError, match="leaves out the head, in which all classes start alike"):
        MAML(Conv4(hidden=4), adapt=["network.*"])
    with pytest.raises(LearnerError, match=r"no parameter matches 'hed\.\*'; did you mean 'head"):
        MAML(Conv4(hidden=4), adapt=["hed.*"])
    with pytest.raises(LearnerError, match="how many features"):
        MAML(nn.Flatten())
    with pytest.raises(LearnerError, match="learns classification, not regression"):
        MAML(Conv4(hidden=4)).check(regression().support)
