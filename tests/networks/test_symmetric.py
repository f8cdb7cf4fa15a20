"""A symmetric encoder: the same features however a square image is turned, and one view in training."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewsight import recipes
from fewsight.learners import ProtoNet
from fewsight.networks import Conv4, Symmetric
from fewsight.networks.symmetric import eighth
from fewsight.recipes import parts
from fewsight.task import Support


def images(size: int) -> Tensor:
    return torch.rand(size, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def encoder(norm: str = "group") -> Conv4:
    return Conv4(3, 4, (16, 16), norm).double()


@pytest.mark.parametrize("turn", range(1, 4))
def test_features_stay_when_an_image_is_turned(turn: int) -> None:
    plain, x = encoder(), images(3)
    symmetric = Symmetric(plain).eval()
    moved = torch.rot90(x, turn, (-2, -1))
    torch.testing.assert_close(symmetric(moved), symmetric(x))
    assert (plain(moved) - plain(x)).abs().max() > 1e-4


@pytest.mark.parametrize("size", [2, 7, 16])
def test_an_eighth_of_a_circle(size: int) -> None:
    """Against PyTorch's own sampling, whose second derivative there is none of."""
    x = torch.rand(2, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    turn = 0.5**0.5 * torch.tensor([[[1.0, -1, 0], [1, 1, 0]]] * 2, dtype=torch.float64)
    grid = F.affine_grid(turn, [2, 3, size, size], align_corners=False)
    torch.testing.assert_close(eighth(x), F.grid_sample(x, grid, padding_mode="border", align_corners=False))
    assert torch.autograd.gradgradcheck(lambda image: eighth(image).square(), x[:1, :1].requires_grad_())


def test_features_nearly_stay_at_an_eighth() -> None:
    """Of a smooth image that ends before the corners do: far less than they change without."""
    place = torch.linspace(-1, 1, 33, dtype=torch.float64)
    down, right = torch.meshgrid(place, place, indexing="ij")
    x = torch.exp(-8 * ((down - 0.2) ** 2 + 3 * (right + 0.1) ** 2)).expand(1, 3, 33, 33)
    plain = Conv4(3, 4, (33, 33), "group").double()
    symmetric = Symmetric(plain).eval()
    assert (symmetric(eighth(x)) - symmetric(x)).norm() < 0.2 * (plain(eighth(x)) - plain(x)).norm()


class Middle(nn.Module):
    """What no turn moves."""

    def forward(self, x: Tensor) -> Tensor:
        return x[..., x.shape[-2] // 2, x.shape[-1] // 2]


def test_what_is_symmetric_already_stays() -> None:
    x = images(4)[..., 1:, 1:]
    torch.testing.assert_close(Symmetric(Middle()).eval()(x), Middle()(x))
    assert Symmetric(Middle()).out_features is None
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
