"""Moments of channels are what they are called, twice differentiable, and vectorise; pooling first changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, vmap

from fewsight.networks import Conv4, ResNet12
from fewsight.networks.channelnorm import EPSILON, GroupNorm
from fewsight.networks.conv4 import NORMS
from fewsight.networks.moments import convolved, moments
from fewsight.networks.norm import embed_support

X = torch.randn(3, 4, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_they_are_mean_and_mean_square() -> None:
    mean, square = moments(X)
    torch.testing.assert_close(mean, X.mean((2, 3)))
    torch.testing.assert_close(square, X.square().mean((2, 3)))


def test_without_positions_an_input_is_its_own_mean() -> None:
    rows = X[:, :, 0, 0]
    assert torch.equal(moments(rows)[0], rows)
    assert torch.equal(moments(rows)[1], rows.square())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(5, 6), (28, 28), (37, 1)])
def test_reduced_precision_rounds_the_inputs_not_the_sums(layout: torch.memory_format, size: tuple[int, int]) -> None:
    x = 3 + torch.randn(3, 4, *size, generator=torch.Generator().manual_seed(1))
    x = x.to(torch.bfloat16).contiguous(memory_format=layout)
    mean, square = moments(x)
    assert mean.dtype == square.dtype == torch.float32
    torch.testing.assert_close(mean, x.float().mean((2, 3)), rtol=2e-5, atol=0)
    torch.testing.assert_close(square, x.float().square().mean((2, 3)), rtol=2e-3, atol=0)


def test_twice_differentiable() -> None:
    x = X.clone().requires_grad_()
    assert gradcheck(moments, (x,))
    assert gradgradcheck(moments, (x,))


def test_vectorised_derivatives_are_those_of_a_loop() -> None:
    def loss(x: Tensor) -> Tensor:
        mean, square = moments(x)
        return (mean * square.sin()).sum()

    tasks = torch.stack([X, 2 * X, X.flip(0)])
    torch.testing.assert_close(vmap(grad(loss))(tasks), torch.stack([grad(loss)(task) for task in tasks]))


@pytest.mark.parametrize("channels", [1, 3])
def test_moments_of_a_convolution_follow_from_its_patches(channels: int) -> None:
    x, layer = X[:, :channels].clone().requires_grad_(), nn.Conv2d(channels, 32, 3, padding=1).double()

    def outcome(found: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(found[0].sin().sum() + found[1].cos().sum(), [x, layer.weight, layer.bias])

    found, expected = convolved(x, layer.weight, layer.bias), moments(layer(x))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(outcome(found), outcome(expected))


def test_group_norm_is_torchs() -> None:
    ours, torchs = GroupNorm(2, 4).double(), nn.GroupNorm(2, 4, eps=EPSILON).double()
    for layer in (ours, torchs):
        layer.weight.data.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0]))
        layer.bias.data.copy_(torch.tensor([0.1, 0.2, -0.3, 0.0]))
    torch.testing.assert_close(ours(X), torchs(X))


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_pooling_first_is_pooling_last(norm: str) -> None:
    torch.manual_seed(0)
    network = Conv4(1, 12, (11, 14), norm, blocks=3).double()
    for name, parameter in network.named_parameters():
        if parameter.ndim == 1 and not name.endswith(("0.bias", "4.bias", "8.bias")):
            nn.init.normal_(parameter)  # scales of both signs
    x = torch.randn(5, 1, 11, 14, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor([1.0, 0.0, 0.5, 1.0, 1.0], dtype=torch.float64)

    def outcome(function: nn.Module) -> tuple[Tensor, tuple[Tensor, ...]]:
        found = embed_support(function, x, weight)[0].flatten(1)
        return found, torch.autograd.grad(found.sin().sum(), [x, *network.parameters()])

    (first, first_gradient), (last, last_gradient) = outcome(network), outcome(network.layers)
    torch.testing.assert_close(first, last)
    torch.testing.assert_close(first_gradient, last_gradient)


def test_hooks_on_the_layers_still_see_them() -> None:
    network, seen = Conv4(hidden=4, norm="group"), []
    for layer in network.layers:
        layer.register_forward_hook(lambda layer, given, found: seen.append(type(layer).__name__))
    network(torch.rand(2, 1, 28, 28))
    assert sorted(seen) == sorted(type(layer).__name__ for layer in network.layers)


def test_the_deeper_encoder_has_the_same_layers() -> None:
    assert any(isinstance(layer, GroupNorm) for layer in ResNet12(3, (8, 8), norm="group").modules())
