"""Loops written by hand against `higher`, against MAML, and their errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cases import regression
from fewsight.errors import LearnerError
from fewsight.inner import Fast, FastMAML, from_torch, inner_loop, sgd
from fewsight.learners import MAML
from fewsight.networks import MLP
from fewsight.networks.frozen import Frozen
from fewsight.task import Support, Task


def data() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    task = regression()
    return task.support.x, task.support.y, task.query, task.target


def network() -> MLP:
    torch.manual_seed(0)
    return MLP([3, 8, 2], "tanh").double()


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    # higher adds epsilon before the bias correction, torch after it: the same where epsilon does not matter.
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, eps=1e-14),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, eps=1e-14, amsgrad=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.8),
    "rmsprop with all": lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.8, centered=True, momentum=0.5),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.05),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.5),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.01),
    "asgd": lambda p: torch.optim.ASGD(p, lr=0.05, lambd=0.2),
    "rprop": lambda p: torch.optim.Rprop(p, lr=0.01),
}


@pytest.mark.filterwarnings("ignore:Differentiable")  # what higher says of its own
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_context_gives_the_gradients_of_higher(name: str) -> None:
    higher = pytest.importorskip("higher", reason="the test extra installs higher")
    x, y, query, target = data()

    def meta_gradient(context: Callable[..., object]) -> list[Tensor]:
        net = network()
        with context(net, OPTIMIZERS[name](net.parameters())) as (fast, inner):  # type: ignore[attr-defined]
            for _ in range(3):
                inner.step(F.mse_loss(fast(x), y))
            F.mse_loss(fast(query), target).backward()
        return [p.grad for p in net.parameters() if p.grad is not None]

    theirs = meta_gradient(lambda n, o: higher.innerloop_ctx(n, o, copy_initial_weights=False))
    for a, b in zip(meta_gradient(inner_loop), theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)


def layered(net: MLP) -> torch.optim.Optimizer:
    """Two groups with rates of their own; the biases are in none."""
    first, second = (layer for layer in net.layers if isinstance(layer, nn.Linear))
    return torch.optim.SGD(
        [{"params": [first.weight]}, {"params": [second.weight], "lr": 0.3, "momentum": 0.5}], lr=0.1
    )


def test_groups_move_as_in_higher_and_what_is_in_none_stays() -> None:
    higher = pytest.importorskip("higher", reason="the test extra installs higher")
    x, y, query, target = data()
    rates = [torch.tensor(0.2, dtype=torch.float64, requires_grad=True) for _ in range(2)]

    def meta_gradient(context: Callable[..., object]) -> tuple[list[Tensor], list[Tensor]]:
        net = network()
        override = {"lr": rates, "momentum": [0.7]}
        with context(net, layered(net), copy_initial_weights=False, override=override) as (fast, inner):  # type: ignore[attr-defined]
            for _ in range(3):
                inner.step(F.mse_loss(fast(x), y))
            loss = F.mse_loss(fast(query), target)
        return list(torch.autograd.grad(loss, [*net.parameters(), *rates])), [p.detach() for p in net.parameters()]

    for a, b in zip(meta_gradient(inner_loop)[0], meta_gradient(higher.innerloop_ctx)[0], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)
    net = network()
    with inner_loop(net, layered(net)) as (fast, inner):
        inner.step(F.mse_loss(fast(x), y))
    moved = {name for name, value in fast.fast.items() if not torch.equal(value, net.get_parameter(name))}
    assert moved == {name for name, _ in net.named_parameters() if name.endswith("weight")}


def test_without_a_history_the_steps_are_the_same() -> None:
    x, y, query, _ = data()
    net = network()
    ends = []
    for track in (True, False):
        with inner_loop(net, torch.optim.Adam(net.parameters(), lr=0.05), track_higher_grads=track) as (fast, inner):
            for _ in range(3):
                inner.step(F.mse_loss(fast(x), y))
        ends.append(fast)
    for name, value in ends[0].fast.items():
        assert torch.equal(value, ends[1].fast[name])
        assert value.grad_fn is not None
        assert ends[1].fast[name].is_leaf
    with inner_loop(net, torch.optim.SGD(net.parameters(), lr=0.05), copy_initial_weights=True) as (fast, inner):
        inner.step(F.mse_loss(fast(x), y))
    fast(query).sum().backward()
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("first_order", [False, True])
def test_clone_and_adapt_are_maml(first_order: bool) -> None:
    x, y, query, target = data()
    net = network()
    fast = FastMAML(net, lr=0.1, first_order=first_order).clone()
    for _ in range(2):
        fast.adapt(F.mse_loss(fast(x), y))
    F.mse_loss(fast(query), target).backward()
    learner = MAML(
        network(), head=None, inner_steps=2, inner_lr=0.1, outer="first_order" if first_order else "unrolled"
    )
    learner.meta_loss(Task(Support.of(x, y), query, target))[0].backward()
    for a, b in zip(net.parameters(), learner.network.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_the_module_is_untouched_and_clones_part() -> None:
    x, y, query, _ = data()
    net = network()
    before = net(query)
    fast = Fast(net, sgd(0.1))
    fast.adapt(F.mse_loss(fast(x), y))
    twin = fast.clone()
    assert torch.equal(twin(query), fast(query))
    twin.adapt(F.mse_loss(twin(x), y))
    assert not torch.equal(twin(query), fast(query))
    assert torch.equal(net(query), before)


def test_a_callback_on_gradients_is_that_of_higher() -> None:
    higher = pytest.importorskip("higher", reason="the test extra installs higher")
    x, y, query, target = data()

    def clip(gradients: list[Tensor]) -> list[Tensor]:
        return [g.clamp(-0.05, 0.05) for g in gradients]

    found = []
    for context in (inner_loop, higher.innerloop_ctx):
        net = network()
        with context(net, OPTIMIZERS["momentum"](net.parameters()), copy_initial_weights=False) as (fast, inner):
            for _ in range(3):
                # A penalty on the fast parameters, as loops by hand write it.
                penalty = sum(p.square().sum() for p in fast.parameters())
                inner.step(F.mse_loss(fast(x), y) + 0.1 * penalty, grad_callback=clip)
            found.append(torch.autograd.grad(F.mse_loss(fast(query), target), list(net.parameters())))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-8)


def test_fast_parameters_are_those_it_computes_with() -> None:
    x, y, *_ = data()
    net = network()
    net.layers[0].weight.requires_grad_(False)  # type: ignore[union-attr]
    fast = Fast(net, sgd(0.1))
    fast.adapt(F.mse_loss(fast(x), y))
    assert [name for name, _ in fast.named_parameters()] == [name for name, _ in net.named_parameters()]
    for (name, value), own in zip(fast.named_parameters(), net.parameters(), strict=True):
        assert (value is own) == (name == "layers.0.weight")


def test_an_encoder_whose_statistics_stay_may_be_in_an_inner_loop() -> None:
    body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    learner = MAML(Frozen(body, 4), adapt=["head.*"]).train()
    x, label = torch.randn(6, 3), torch.arange(6) % 2
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    assert learner(Support.of(x, label), x).shape == (6, 2)
    assert all(torch.equal(before[name], value) for name, value in learner.state_dict().items())
    learner = MAML(body.eval(), features=4, adapt=["head.*"])
    with pytest.raises(LearnerError, match="BatchNorm1d with running statistics"):
        learner.train()


def test_bad_loops_are_told() -> None:
    x, *_ = data()
    net = network()
    fast = Fast(net, sgd(0.1))
    for loss in (torch.tensor(1.0), F.mse_loss(x.clone().requires_grad_() @ x.mT, x @ x.mT)):
        with pytest.raises(LearnerError, match="does not depend on the parameters"):
            fast.adapt(loss)
    with pytest.raises(LearnerError, match="BatchNorm1d with running statistics"):
        Fast(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), sgd(0.1))
    with pytest.raises(LearnerError, match="layer '1' is BatchNorm1d with running statistics"):
        MAML(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), features=2)
    with (
        pytest.raises(LearnerError, match="not one of the module"),
        inner_loop(net, OPTIMIZERS["sgd"]([torch.zeros(1)])),
    ):
        pass
    sgd_of_net = OPTIMIZERS["sgd"](net.parameters())
    with pytest.raises(LearnerError, match="no option 'momentun'; did you mean 'momentum'"):
        from_torch(sgd_of_net, net, {"momentun": 0.9})
    with pytest.raises(LearnerError, match="nothing can adapt"):
        Fast(net.requires_grad_(False), sgd(0.1))
