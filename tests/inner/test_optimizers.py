"""Inner optimizers against `torch.optim`, at zero gradients, and under a second derivative."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fewsight import inner
from fewsight.errors import LearnerError
from fewsight.inner import InnerOptimizer
from fewsight.inner.tuned import FRACTIONS

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
    "adam amsgrad": lambda p: torch.optim.Adam(p, lr=0.3, betas=(0.5, 0.6), amsgrad=True),
    "adamw amsgrad": lambda p: torch.optim.AdamW(p, lr=0.3, betas=(0.5, 0.6), amsgrad=True),
    "rmsprop centered": lambda p: torch.optim.RMSprop(p, lr=0.03, alpha=0.8, centered=True),
    "rmsprop with momentum": lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.7),
    "rmsprop centered with momentum": lambda p: torch.optim.RMSprop(p, lr=0.03, momentum=0.7, centered=True),
    "adagrad slower": lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.3, initial_accumulator_value=0.5),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.7, weight_decay=0.3),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.1, betas=(0.8, 0.7), weight_decay=0.3),
    "asgd": lambda p: torch.optim.ASGD(p, lr=0.01, lambd=0.3, alpha=0.6, t0=2, weight_decay=0.3),
    "rprop": lambda p: torch.optim.Rprop(p, lr=0.3, etas=(0.4, 1.3), step_sizes=(0.2, 0.5)),
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
        tolerance = 1e-6 if name == "asgd" else 1e-12  # torch keeps its rate in single precision
        torch.testing.assert_close(value, reference[n].detach(), rtol=tolerance, atol=tolerance)


def test_clipping_as_torch() -> None:
    gradients = start()
    clipped, _ = inner.clipped(inner.sgd(1.0), 0.5).update(gradients, None, {n: 0 * g for n, g in gradients.items()})
    twins = [g.clone().requires_grad_() for g in gradients.values()]
    for twin, gradient in zip(twins, gradients.values(), strict=True):
        twin.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(twins, 0.5)
    for step, twin in zip(clipped.values(), twins, strict=True):
        torch.testing.assert_close(step, -twin.grad)


NAMED = sorted(inner.names.OPTIMIZERS)


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


HYPER: dict[str, tuple[Callable[..., InnerOptimizer], list[float]]] = {
    "sgd": (inner.sgd, [0.01]),
    "momentum": (inner.momentum, [0.01, 0.8]),
    "nesterov": (inner.nesterov, [0.01, 0.8]),
    "adam": (lambda rate, a, b, decay: inner.adam(rate, (a, b), weight_decay=decay), [0.05, 0.8, 0.9, 0.3]),
    "adamw": (inner.adamw, [0.05, 0.3]),
    "rmsprop": (lambda rate, alpha, mu: inner.rmsprop(rate, alpha, momentum=mu, centered=True), [0.03, 0.8, 0.5]),
    "adagrad": (lambda rate, decay: inner.adagrad(rate, lr_decay=decay), [0.1, 0.3]),
    "adadelta": (inner.adadelta, [0.5, 0.8]),
    "adamax": (lambda rate, a, b: inner.adamax(rate, (a, b)), [0.05, 0.8, 0.7]),
    "asgd": (inner.asgd, [0.02, 0.3, 0.6]),
    "rprop": (lambda rate, less, more: inner.rprop(rate, (less, more)), [0.3, 0.4, 1.3]),
}


@pytest.mark.parametrize("name", HYPER)
def test_rates_and_other_hyper_parameters_can_be_learned(name: str) -> None:
    make, values = HYPER[name]
    leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
    assert torch.autograd.gradcheck(lambda *hyper: quartic(descend(make(*hyper), start(), 3)), leaves, rtol=1e-4)


@pytest.mark.parametrize("name", FRACTIONS)
def test_a_tuned_optimizer_starts_as_its_namesake_and_learns_all_it_has(name: str) -> None:
    tuned = inner.named(f"tuned-{name}", 0.02)
    assert isinstance(tuned, inner.Tuned)
    ours, plain = descend(tuned.double(), start()), descend(inner.named(name, 0.02), start())
    for n, value in plain.items():
        torch.testing.assert_close(ours[n], value, rtol=1e-5, atol=1e-6)
    assert set(tuned.hyper()) == {"learning_rate", *FRACTIONS[name]}
    quartic(ours).backward()
    assert all(p.grad is not None and p.grad.all() for p in tuned.parameters())


def test_what_has_no_counterpart_is_told() -> None:
    one = [torch.zeros(1, requires_grad=True)]
    with pytest.raises(LearnerError, match="no differentiable counterpart of LBFGS: use one of ASGD, Adadelta"):
        inner.from_torch(torch.optim.LBFGS(one))
    with pytest.raises(LearnerError, match=r"Adam\(maximize=True\) has no differentiable counterpart"):
        inner.from_torch(torch.optim.Adam(one, maximize=True))
    with pytest.raises(LearnerError, match="2 parameter groups"):
        inner.from_torch(torch.optim.SGD([{"params": one}, {"params": [torch.zeros(1)]}], lr=0.1))
    with pytest.raises(LearnerError, match="unknown inner optimizer 'adm'; did you mean 'adam'"):
        inner.named("adm", 0.1)
