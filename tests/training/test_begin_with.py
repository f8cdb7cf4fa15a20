"""Beginning with the network of another run: the very same weights, said in the run, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fewsight import recipes, training
from fewsight.errors import RecipeError, RunError
from fewsight.learner import Learner
from fewsight.recipes import build
from fewsight.training import Run, evaluate_run
from fewsight.training.start import begin_with

FEW = ["steps=2", "validate_tasks=2", "validate_every=2", "strategy=loop", "norm=group"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "source"
    return training.train(recipes.load("digits-protonet", FEW), folder, progress=False)[0]


def learner_of(name: str, source: Run, *overrides: str) -> Learner:
    return build(recipes.load(name, ["norm=group", *overrides]), source.domain())


@pytest.mark.parametrize("name", ["digits-maml", "digits-matching"])
def test_its_network_is_the_others_and_nothing_else_is(source: Run, name: str) -> None:
    learner, fresh = learner_of(name, source), learner_of(name, source)
    begin_with(learner, source.folder)
    theirs = source.learner().get_submodule("embedding_model").state_dict()
    key = "network." if name == "digits-maml" else "embedding_model."
    for place, value in learner.state_dict().items():
        expected = theirs[place.removeprefix(key)] if place.startswith(key) else fresh.state_dict()[place]
        assert torch.equal(value, expected)
    assert any(not torch.equal(value, learner.state_dict()[place]) for place, value in fresh.state_dict().items())


def test_a_training_begins_there_and_says_so(source: Run, tmp_path: Path) -> None:
    """With a rate of next to nothing what it ends with is what it began with."""
    recipe = recipes.load("digits-maml", [*FEW, f'start="{source.folder}"', "training.lr=1e-12"])
    run, _ = training.train(recipe, tmp_path / "run", progress=False)
    begun = Run.open(run.folder).info["start"]
    assert begun["recipe"] == "digits-protonet"
    assert begun["weights"] == source.weights_sha256
    assert begun["domain"] == {"name": "digits", "fingerprint": source.domain().fingerprint}
    theirs = source.learner().get_submodule("embedding_model").state_dict()
    for name, value in run.learner().get_submodule("network").state_dict().items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-9)
    assert evaluate_run(run, tasks=2).protocol["network begun with"] == "digits-protonet on digits"


def test_other_networks_and_folders_are_refused_in_one_line(source: Run, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"Missing key.*blend.*give the recipe the same \[network\]") as caught:
        begin_with(learner_of("digits-maml", source, "norm=task"), source.folder)
    assert "\n" not in str(caught.value)
    with pytest.raises(RecipeError, match=r"size mismatch for layers\.0\.weight"):
        begin_with(learner_of("digits-maml", source, "hidden=8"), source.folder)
    with pytest.raises(RunError, match="there is no run folder"):
        begin_with(learner_of("digits-maml", source), tmp_path / "nothing")
    recipe = recipes.load("digits-maml", [*FEW, "norm=task", f'start="{source.folder}"'])
    with pytest.raises(RecipeError, match="its network is another"):
        training.train(recipe, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_learner_without_a_network_has_nothing_to_begin_with(source: Run) -> None:
    class Bare(Learner):
        solve = score = None  # type: ignore[assignment]

    with pytest.raises(RecipeError, match="the Bare of this recipe has no network"):
        begin_with(Bare(), source.folder)
