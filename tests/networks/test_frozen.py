"""An encoder of someone else's: it stays as it is, its scaling is exact, and what is missing is said in one line."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from fewsight import tree
from fewsight.errors import DataError, RecipeError
from fewsight.learners import ProtoNet
from fewsight.networks.frozen import Frozen, Pixels, pretrained
from fewsight.recipes import parts
from fewsight.task import Support, Task
from fewsight.training.engine import Engine, Strategy


def encoder() -> nn.Module:
    """A feature map of 5 channels behind batch normalisation and drop-out, which evaluation mode must quieten."""
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Dropout(0.5), nn.Tanh())


def images(size: int, seed: int = 0) -> Tensor:
    return torch.rand(size, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_its_weights_statistics_and_mode_stay_whatever_is_done() -> None:
    network = Frozen(encoder(), 5, projection=4)
    before = {name: value.clone() for name, value in network.network.state_dict().items()}
    learner = ProtoNet(network).train()
    assert network.projection.training
    assert not any(module.training for module in network.network.modules())
    x = images(8)
    task = Task(Support.of(x[:4], ["a", "b", "a", "b"]), x[4:], torch.tensor([0, 1, 0, 1]))
    optimizer = torch.optim.Adam([p for p in learner.parameters() if p.requires_grad], lr=0.1)
    Engine(learner, Strategy("loop")).gradients([task])
    optimizer.step()
    assert all(torch.equal(before[name], value) for name, value in network.network.state_dict().items())
    assert all(p.grad is None for p in network.network.parameters())
    assert [name for name, p in learner.named_parameters() if p.requires_grad] == [
        "embedding_model.projection.weight",
        "embedding_model.projection.bias",
    ]


def test_queries_keep_apart_and_derivatives_reach_the_pixels() -> None:
    learner, x = ProtoNet(Frozen(encoder(), 5)), images(6)
    support = Support.of(x[:3], ["a", "b", "c"])
    query = x[3:].requires_grad_()
    scores = learner(support, query)
    torch.testing.assert_close(scores[:1], learner(support, query[:1]))
    (gradient,) = torch.autograd.grad(scores[0].square().sum(), query)
    assert gradient[0].abs().max() > 0
    assert (gradient[1:] == 0).all()


def test_scales_are_what_they_say() -> None:
    plain, unit, standard = (Frozen(encoder(), 5, scale).double() for scale in ("none", "l2", "standard"))
    for other in (unit, standard):
        other.network.load_state_dict(plain.network.state_dict())
    x = images(20).double()
    features = plain.network(x).mean((-2, -1))
    torch.testing.assert_close(plain(x), features)
    torch.testing.assert_close(unit(x), features / features.norm(dim=-1, keepdim=True))
    standard.prepare(tree.take(x, slice(start, start + 5)) for start in range(0, 20, 5))
    found = standard(x)
    torch.testing.assert_close(found.mean(0), torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(found.std(0, correction=0), torch.ones(5, dtype=torch.float64))
    assert torch.equal(Frozen(standard.network, 5, "standard").mean, torch.zeros(5))
    with pytest.raises(RecipeError, match="unknown scale"):
        Frozen(encoder(), 5, "l3")


def test_what_was_prepared_is_saved() -> None:
    trained, loaded = (Frozen(encoder(), 5, "standard") for _ in range(2))
    trained.prepare([images(10)])
    loaded.load_state_dict(trained.state_dict())
    assert torch.equal(trained(images(3, 1)), loaded(images(3, 1)))


def test_pixels_are_scaled_resized_and_grey_is_repeated() -> None:
    seen = Pixels(nn.Identity(), 4, (0.5, 0.4, 0.3), (0.1, 0.2, 0.5))
    flat = seen(torch.full((1, 3, 8, 8), 0.6))
    torch.testing.assert_close(flat, torch.tensor([1.0, 1.0, 0.6]).view(1, 3, 1, 1).expand(1, 3, 4, 4))
    assert torch.equal(seen(torch.full((1, 1, 8, 8), 0.6)), flat)
    as_it_is = Pixels(nn.Identity(), None, (0, 0, 0), (1, 1, 1))
    assert torch.equal(as_it_is(images(2)), images(2))


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vision transformer of random weights, saved as the hub would give it."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("vit")
    settings = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "patch_size": 8}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers.ViTModel(transformers.ViTConfig(hidden_size=12, image_size=16, **settings)).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}')
    return folder


def test_a_hugging_face_encoder_by_name(transformer: Path) -> None:
    import transformers

    network = parts.frozen((3, 20, 20), library="huggingface", model=str(transformer), projection=7)
    assert network(images(2)).shape == (2, network.out_features) == (2, 7)
    model = transformers.AutoModel.from_pretrained(transformer)
    x = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        expected = model(pixel_values=(x - 0.5) / 0.25).pooler_output
    torch.testing.assert_close(network.network(x), expected)


def test_a_timm_encoder_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stand-in for timm with its interface: `create_model(name, pretrained, num_classes)` and `pretrained_cfg`."""
    inner = encoder()
    inner.pretrained_cfg = {"input_size": (3, 12, 12), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}

    def create_model(name: str, pretrained: bool, num_classes: int) -> nn.Module:
        if name != "resnet18":
            raise RuntimeError(f"Unknown model ({name})\nand more")
        assert (pretrained, num_classes) == (True, 0)
        return inner

    stand_in = ModuleType("timm")
    stand_in.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", stand_in)
    network = pretrained("timm", "resnet18", "l2")
    x = torch.rand(2, 3, 12, 12)
    features = inner(2 * x - 1).mean((-2, -1))
    torch.testing.assert_close(network(x), features / features.norm(dim=-1, keepdim=True))
    with pytest.raises(DataError, match=r"cannot have 'resnet19' from timm \(Unknown model \(resnet19\)\)") as caught:
        pretrained("timm", "resnet19")
    assert "\n" not in str(caught.value)


def test_what_is_missing_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(DataError, match=r"needs timm: pip install 'fewsight\[timm\]'"):
        pretrained("timm", "resnet18")
    with pytest.raises(DataError, match="cannot have") as caught:
        pretrained("huggingface", str(tmp_path))
    assert "\n" not in str(caught.value)
    import transformers

    words = tmp_path / "bert"
    settings = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 9}
    transformers.BertModel(transformers.BertConfig(hidden_size=12, **settings)).save_pretrained(words)
    with pytest.raises(DataError, match="does not turn images into features") as caught:
        pretrained("huggingface", str(words))
    assert "\n" not in str(caught.value)
    with pytest.raises(RecipeError, match="takes images"):
        parts.frozen({"ids": (3,)}, library="timm", model="x")
    with pytest.raises(RecipeError, match="unknown library"):
        parts.frozen((3, 8, 8), library="keras", model="x")
