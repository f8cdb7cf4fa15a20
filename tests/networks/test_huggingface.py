"""Encoders of the Hugging Face hub: a tiny random one, saved here; the mask as a weight, LoRA, and being offline."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.func import vmap

from fewsight.domains.texts.format import TextFormat
from fewsight.errors import DataError, RecipeError
from fewsight.learner import task_loss
from fewsight.learners import create
from fewsight.networks.huggingface import HuggingFaceEncoder
from fewsight.networks.lora import LoRA, add_lora
from fewsight.task import Support, Task
from fewsight.tree import Tree

transformers = pytest.importorskip("transformers")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "pay", "my", "bill", "fly", "to", "rome", "##s"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 16 features and eleven pieces."""
    path = tmp_path_factory.mktemp("bert")
    (path / "vocab.txt").write_text("\n".join(WORDS))
    pieces = str(path / "vocab.txt")
    transformers.BertTokenizerFast(vocab_file=pieces, vocab=pieces).save_pretrained(path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        transformers.BertModel(transformers.BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(path)
    return path


@pytest.fixture
def format(folder: Path) -> TextFormat:
    return TextFormat(length=8, tokenizer=str(folder))


@pytest.fixture(autouse=True)
def seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


TEXTS = ["pay my bills", "fly to rome", "my bill"]


def encoded(format: TextFormat) -> Tree:
    x = format.encode(TEXTS, ["a", "b", "c"]).x
    return {**x, "mask": x["mask"].double()}


def test_pieces_are_the_tokenizers_and_players(format: TextFormat) -> None:
    examples = format.encode(TEXTS, ["a", "b", "c"])
    assert examples.x["ids"].shape == (3, 8)
    assert [WORDS[i] for i in examples.x["ids"][0, : examples.x["size"][0]]] == [
        *("[CLS]", "pay", "my", "bill", "##s", "[SEP]")
    ]
    assert examples.views[0].parts == ("", "pay", "my", "bill", "s", "")
    assert {leaf: tuple(value.shape[1:]) for leaf, value in examples.x.items()} == format.shape
    assert json.loads(json.dumps(format.to_json()))["tokenizer"] == format.tokenizer
    with pytest.raises(DataError, match="no word to go by"):
        format.encode([" "], ["row 2"])


def test_features_are_the_models_mean(folder: Path, format: TextFormat) -> None:
    network, x = HuggingFaceEncoder(str(folder), out_features=0).double().eval(), encoded(format)
    model = transformers.AutoModel.from_pretrained(folder).double().eval()
    for i, size in enumerate(x["size"].tolist()):
        expected = model(input_ids=x["ids"][i : i + 1, :size]).last_hidden_state.mean(1)
        torch.testing.assert_close(network(x)[i : i + 1], expected, rtol=1e-9, atol=1e-9)


def test_a_hidden_piece_has_no_influence_and_the_mask_is_a_smooth_weight(folder: Path, format: TextFormat) -> None:
    network, x = HuggingFaceEncoder(str(folder)).double().eval(), encoded(format)
    mask = x["mask"].clone()
    mask[0, 2] = 0
    other = x["ids"].clone()
    other[0, 2] = WORDS.index("rome")
    torch.testing.assert_close(network({**x, "mask": mask}), network({**x, "mask": mask, "ids": other}))
    partly = (x["mask"] * torch.rand(3, 8, dtype=torch.float64).clamp(0.2)).requires_grad_()
    torch.autograd.gradcheck(lambda m: network({**x, "mask": m * x["mask"]}), partly)
    nothing = torch.zeros(3, 8, dtype=torch.float64, requires_grad=True)
    out = network({**x, "mask": nothing})
    (gradient,) = torch.autograd.grad(out.square().sum(), nothing)
    assert out.isfinite().all()
    assert gradient.isfinite().all()


def test_it_maps_over_tasks(folder: Path, format: TextFormat) -> None:
    network, x = HuggingFaceEncoder(str(folder)).double().eval(), encoded(format)
    mapped = vmap(network)({leaf: value[:, None] for leaf, value in x.items()})[:, 0]
    torch.testing.assert_close(mapped, network(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("train", ["frozen", "lora", "all"])
def test_what_is_trained(folder: Path, format: TextFormat, train: str) -> None:
    network = HuggingFaceEncoder(str(folder), train=train, rank=2)  # type: ignore[arg-type]
    learning = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    if train == "frozen":
        assert learning == {"head.weight", "head.bias"}
    elif train == "lora":
        assert len(learning) == 2 + 2 * 2 * 2  # head; 2 layers, query and value, down and up
    learner = create("protonet", network)
    x = format.encode(TEXTS, ["a", "b", "c"]).x
    task = Task(Support.of(x, ["a", "b", "b"]), x, torch.tensor([0, 1, 1]))
    optimizer = torch.optim.Adam([p for p in learner.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(5):
        loss = task_loss(learner(task.support, task.query), task)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def test_lora_starts_at_the_layer_and_changes_it_by_a_low_rank(folder: Path) -> None:
    layer = nn.Linear(7, 5)
    weight, x = layer.weight.detach().clone(), torch.randn(4, 7)
    before: Tensor = layer(x)
    low = LoRA(layer, 2)
    torch.testing.assert_close(low(x), before)
    nn.init.normal_(low.up)
    change = (low(torch.eye(7)) - layer(torch.eye(7))).mT
    assert torch.linalg.matrix_rank(change) == 2
    low(x).sum().backward()
    assert layer.weight.grad is None
    assert torch.equal(layer.weight, weight)
    assert low.down.grad is not None
    with pytest.raises(RecipeError, match="choose among 0"):
        add_lora(nn.Sequential(nn.Linear(2, 2)), 1, ("query",))


def test_offline_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    for make in (lambda n: HuggingFaceEncoder(n), lambda n: TextFormat(tokenizer=n).encode(["text"], ["a"])):
        for name in ("nobody/nothing-of-this-name", str(tmp_path)):
            with pytest.raises(DataError, match="cannot have") as caught:
                make(name)
            assert "\n" not in str(caught.value)


def test_without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DataError, match=r"pip install 'fewsight\[huggingface\]'"):
        HuggingFaceEncoder("any")
