"""Families of problems: digit networks are the networks they claim to be."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fewsight.inner import adam
from fewsight.inner.families import TRAINING_IMAGES, _digits, digit_networks, quadratics
from fewsight.inner.problems import reached


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_draws_are_functions_of_the_generator() -> None:
    for family in (quadratics(3, 2), digit_networks((4,), batch=2, images=32)):
        first, again, other = family(generator()), family(generator()), family(generator(1))
        assert torch.equal(first.losses(first.start), again.losses(again.start))
        assert not torch.equal(first.losses(first.start), other.losses(other.start))


def test_a_digit_network_is_two_linear_layers_with_cross_entropy() -> None:
    problems = digit_networks((7,), ("tanh",), batch=2, images=TRAINING_IMAGES)(generator())
    pixels, labels = (part[:TRAINING_IMAGES] for part in _digits())
    weights = {name: value[1] for name, value in problems.start.items()}
    hidden = (pixels @ weights["weight0"] + weights["bias0"]).tanh()
    expected = F.cross_entropy(hidden @ weights["weight1"] + weights["bias1"], labels)
    torch.testing.assert_close(problems.losses(problems.start)[1], expected)


def test_minibatches_go_round_all_images() -> None:
    problems = digit_networks((5,), batch=3, images=64, minibatch=16)(generator())
    parts = torch.stack([problems.losses(problems.start, step) for step in range(4)])
    torch.testing.assert_close(parts.mean(0), problems.losses(problems.start))
    torch.testing.assert_close(problems.losses(problems.start, 5), parts[1])
    assert (parts[0] - parts[1]).abs().min() > 0


def test_widths_and_activations_vary_and_layers_are_as_asked() -> None:
    family = digit_networks((4, 6), layers=(1, 2), batch=1, images=32)
    shapes = {family(generator(seed)).start["weight1"].shape for seed in range(24)}
    assert shapes == {(1, 4, 4), (1, 6, 6), (1, 4, 10), (1, 6, 10)}


def test_unseen_images_are_the_others() -> None:
    problems = digit_networks((10,), ("relu",), batch=1, images=10_000, unseen=True)(generator())
    pixels, labels = (part[TRAINING_IMAGES:] for part in _digits())
    assert len(labels) == 597
    copying = {name: torch.zeros_like(value) for name, value in problems.start.items()}
    copying["weight0"][0, :10] = copying["weight1"][0] = torch.eye(10)
    torch.testing.assert_close(problems.losses(copying)[0], F.cross_entropy(pixels[:, :10], labels))


def test_digit_networks_can_be_learned() -> None:
    problems = digit_networks((16,), ("relu",), batch=1, images=500)(generator())
    assert reached(adam(0.03), problems, 60) < 0.5 < problems.losses(problems.start)
