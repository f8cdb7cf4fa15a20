"""Image encoders: parts by hand, any size and colour, the published number of weights, and the contract."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewsight import recipes
from fewsight.errors import RecipeError
from fewsight.learners import ProtoNet
from fewsight.networks import Conv4, ResNet12
from fewsight.networks.resnet12 import Block
from fewsight.recipes import parts
from fewsight.task import Support

NARROW = (4, 6, 8, 10)


@pytest.mark.parametrize("size", [16, 17, 31, 84])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_colour_gives_the_features_it_says(size: int, channels: int) -> None:
    network = ResNet12(channels, NARROW, "group")
    found = network(torch.rand(2, channels, size, size))
    assert found.shape == (2, network.out_features) == (2, 10)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize(("height", "width"), [(84, 84), (33, 47), (16, 31)])
def test_conv4_takes_odd_sizes(height: int, width: int) -> None:
    network = Conv4(3, 4, (height, width), "group")
    assert network(torch.rand(2, 3, height, width)).shape == (2, network.out_features)


@pytest.mark.parametrize("network", [Conv4, ResNet12])
def test_features_of_one_length_keep_their_direction(network: type[Conv4 | ResNet12]) -> None:
    torch.manual_seed(0)
    plain, even = network(3, norm="group").eval(), network(3, norm="group", length=5.0).eval()
    even.load_state_dict(plain.state_dict())
    images = torch.rand(4, 3, 28, 28)
    came, brought = plain(images), even(images)
    torch.testing.assert_close(F.cosine_similarity(came, brought), torch.ones(4))
    expected = 5 * (1 + 0.01 / came.square().sum(-1)) ** -0.5  # next to nothing stays next to nothing
    torch.testing.assert_close(brought.norm(dim=-1), expected)


def test_as_many_weights_as_the_published_network() -> None:
    """12.4 million in Lee et al. 2019: convolutions without bias, two numbers for each normalised channel."""
    assert sum(p.numel() for p in ResNet12(3, norm="group").parameters()) == 12_424_320


def test_a_block_is_its_formula() -> None:
    block = Block(2, 3, "none", 0.0).double()
    x = torch.randn(4, 2, 8, 8, dtype=torch.float64)
    first, second, third = (block.path[place].weight for place in (0, 3, 6))
    hidden = F.leaky_relu(F.conv2d(x, first, padding=1), 0.1)
    hidden = F.conv2d(F.leaky_relu(F.conv2d(hidden, second, padding=1), 0.1), third, padding=1)
    straight = torch.einsum("oc,bchw->bohw", block.shortcut[0].weight[:, :, 0, 0], x)
    largest = F.leaky_relu(hidden + straight, 0.1).unfold(2, 2, 2).unfold(3, 2, 2).amax((-2, -1))
    torch.testing.assert_close(block(x), largest)


def test_drop_out_is_for_training_only() -> None:
    network, x = ResNet12(1, NARROW, "group", dropout=0.5), torch.rand(2, 1, 16, 16)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def task(channels: int) -> tuple[Support, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(8, channels, 16, 16, dtype=torch.float64, generator=generator)
    return Support.of(x[:5], ["a", "b", "a", "b", "c"]), x[5:]


@pytest.mark.parametrize("norm", ["task", "support", "group", "instance"])
def test_the_contract_holds_on_it(norm: str) -> None:
    learner = ProtoNet(ResNet12(3, NARROW, norm)).double()
    support, query = task(3)
    scores = learner(support, query)
    torch.testing.assert_close(scores[1:2], learner(support, query[1:2]))  # queries keep apart
    weight = torch.tensor([1.0, 1, 0, 1, 1], dtype=torch.float64)
    without = learner(support.take([0, 1, 3, 4]), query)
    torch.testing.assert_close(learner(support.reweighted(weight), query), without)  # weight 0 is absent
    assert (scores - without).abs().max() > 1e-6


def test_recipes_name_it() -> None:
    assert isinstance(parts.resnet12((3, 84, 84), widths=NARROW), ResNet12)
    with pytest.raises(RecipeError, match="16 pixels or more"):
        parts.resnet12((3, 15, 84))
    with pytest.raises(RecipeError, match=r"resnet12.*widths"):
        recipes.load("digits-protonet", ["network.name=resnet12", "network.widths=wide"])
    with pytest.raises(RecipeError, match=r"network.length = 0: input should be greater than 0"):
        recipes.load("digits-protonet", ["length=0"])


@pytest.mark.parametrize("settings", [{"norm": "grop"}, {"dropout": 1.0}, {"widths": ()}, {"widths": (4, 0)}])
def test_impossible_settings_are_said(settings: dict) -> None:
    with pytest.raises(RecipeError):
        ResNet12(3, **settings)
