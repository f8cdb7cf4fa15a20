"""Inner optimizers against `torch.optim`, at zero gradients, and under a second derivative."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fewsight import inner
from fewsight.errors import LearnerError
from fewsight.inner import InnerOptimizer

TORCH: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "dampened": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, dampening=0.3),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.95)),
    "sgd with weight decay": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.3),
    "adam with weight decay": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.3),
    "rmsprop with weight decay": lambda p: torch.optim.RMSprop(p, lr=0.1, weight_decay=0.3),
    "adagrad with weight decay": lambda p: torch.optim.Adagrad(p, lr=0.1, weight_decay=0.3),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.3),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.8),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
}


def quartic(parameters: dict[str, Tensor]) -> Tensor:
    return sum(((value - 1) ** 4 + 0.5 * value.square()).sum() for value in parameters.values())


def start() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {"a": (3, 2), "b": (4,)}
    return {n: torch.randn(shape, dtype=torch.float64, generator=generator) for n, shape in shapes.items()}


def descend(optimizer: InnerOptimizer, parameters: dict[str, Tensor], steps: int = 6) -> dict[str, Tensor]:
    state = optimizer.init(parameters)
    for _ in range(steps):
        gradients = torch.func.grad(quartic)(parameters)
        parameters, state = optimizer.update(gradients, state, parameters)
    return parameters


@pytest.mark.parametrize("name", TORCH)
def test_same_trajectory_as_torch(name: str) -> None:
    reference = {n: value.clone().requires_grad_() for n, value in start().items()}
    optimizer = TORCH[name](list(reference.values()))
    ours = descend(inner.from_torch(optimizer), start())
    for _ in range(6):
        optimizer.zero_grad()
        quartic(reference).backward()
        optimizer.step()
    for n, value in ours.items():
        torch.testing.assert_close(value, reference[n].detach(), rtol=1e-12, atol=1e-12)


def test_clipping_as_torch() -> None:
    gradients = start()
    clipped, _ = inner.clipped(inner.sgd(1.0), 0.5).update(gradients, None, {n: 0 * g for n, g in gradients.items()})
    twins = [g.clone().requires_grad_() for g in gradients.values()]
    for twin, gradient in zip(twins, gradients.values(), strict=True):
        twin.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(twins, 0.5)
    for step, twin in zip(clipped.values(), twins, strict=True):
        torch.testing.assert_close(step, -twin.grad)


NAMED = sorted(inner.optimizers.OPTIMIZERS)


@pytest.mark.parametrize("name", NAMED)
def test_a_zero_gradient_has_a_finite_derivative(name: str) -> None:
    torch.manual_seed(0)
    optimizer = inner.named(name, 0.1)
    flat = torch.zeros(3, dtype=torch.float32, requires_grad=True)
    parameters, state = {"p": torch.ones(3)}, optimizer.init({"p": torch.ones(3)})
    for _ in range(2):
        parameters, state = optimizer.update({"p": flat}, state, parameters)
    (derivative,) = torch.autograd.grad(parameters["p"].sum(), flat)
    assert torch.isfinite(parameters["p"]).all()
    assert torch.isfinite(derivative).all()


@pytest.mark.parametrize("name", NAMED)
def test_derivative_through_the_steps(name: str) -> None:
    torch.manual_seed(0)
    optimizer = inner.named(name, 0.05)
    if isinstance(optimizer, torch.nn.Module):
        optimizer.double()

    def end(scale: Tensor) -> Tensor:
        return sum(v.sum() for v in descend(optimizer, {n: scale * v for n, v in start().items()}, 3).values())

    assert torch.autograd.gradcheck(end, torch.tensor(0.9, dtype=torch.float64, requires_grad=True), atol=1e-6)


def test_a_learning_rate_can_be_learned() -> None:
    def loss(rate: Tensor) -> Tensor:
        return quartic(descend(inner.adam(rate), start(), 3))

    assert torch.autograd.gradcheck(loss, torch.tensor(0.05, dtype=torch.float64, requires_grad=True))


def test_what_has_no_counterpart_is_told() -> None:
    one = [torch.zeros(1, requires_grad=True)]
    with pytest.raises(LearnerError, match="no differentiable counterpart of Adadelta: use one of Adagrad, Adam"):
        inner.from_torch(torch.optim.Adadelta(one))
    with pytest.raises(LearnerError, match=r"Adam\(amsgrad=True\) has no differentiable counterpart"):
        inner.from_torch(torch.optim.Adam(one, amsgrad=True))
    with pytest.raises(LearnerError, match="2 parameter groups"):
        inner.from_torch(torch.optim.SGD([{"params": one}, {"params": [torch.zeros(1)]}], lr=0.1))
    with pytest.raises(LearnerError, match="unknown inner optimizer 'adm'; did you mean 'adam'"):
        inner.named("adm", 0.1)
