"""A symmetric encoder: the same features however a square image is turned, and one view in training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from fewsight import recipes
from fewsight.learners import ProtoNet
from fewsight.networks import Conv4, Symmetric
from fewsight.recipes import parts
from fewsight.task import Support


def images(size: int) -> Tensor:
    return torch.rand(size, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def encoder(norm: str = "group") -> Conv4:
    return Conv4(3, 4, (16, 16), norm).double()


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_features_stay_when_an_image_is_turned(turn: int, mirrored: bool) -> None:
    plain, x = encoder(), images(3)
    symmetric = Symmetric(plain).eval()
    moved = torch.rot90(x.flip(-1) if mirrored else x, turn, (-2, -1))
    torch.testing.assert_close(symmetric(moved), symmetric(x))
    if turn or mirrored:
        assert (plain(moved) - plain(x)).abs().max() > 1e-4


def test_what_is_symmetric_already_stays() -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = images(4)
    torch.testing.assert_close(Symmetric(network).eval()(x), network(x))
    assert Symmetric(network).out_features is None
    assert Symmetric(encoder()).out_features == encoder().out_features


def test_training_sees_one_view() -> None:
    network = encoder()
    assert torch.equal(Symmetric(network).train()(images(2)), network(images(2)))


@pytest.mark.parametrize("norm", ["task", "group"])
@pytest.mark.parametrize("training", [True, False])
def test_the_contract_holds_on_it(norm: str, training: bool) -> None:
    learner = ProtoNet(Symmetric(encoder(norm))).double().train(training)
    x = images(8)
    support, query = Support.of(x[:5], ["a", "b", "a", "b", "c"]), x[5:]
    torch.testing.assert_close(learner(support, query)[1:2], learner(support, query[1:2]))
    weight = torch.tensor([1.0, 1, 0, 1, 1], dtype=torch.float64)
    without = learner(support.take([0, 1, 3, 4]), query)
    torch.testing.assert_close(learner(support.reweighted(weight), query), without)


def test_recipes_ask_for_it() -> None:
    for name in ("conv4", "resnet12"):
        assert isinstance(parts.NETWORKS[name]((3, 16, 16), symmetric=True), Symmetric)
        assert not isinstance(parts.NETWORKS[name]((3, 16, 16)), Symmetric)
    assert recipes.load("caltech-to-bccd").network.settings["symmetric"] is True
