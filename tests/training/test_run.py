"""Run folders: never half-written, never overwritten, enough to use and resume what was trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewsight import recipes, training
from fewsight.domains import Domain, Episodes, open_domain
from fewsight.errors import RecipeError, RunError
from fewsight.learners import MAML
from fewsight.training import Run, fit

RECIPE = recipes.load(
    "sinusoid-maml", ["hidden=[8]", "steps=4", "validate_every=2", "validate_tasks=2", "strategy=loop", "meta_batch=2"]
)


@pytest.fixture(scope="module")
def waves() -> Domain:
    return open_domain("sinusoid")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run, _ = training.train(RECIPE, tmp_path_factory.mktemp("runs") / "trained", progress=False, command="the command")
    return run


def test_a_run_says_what_it_is(trained: Run, waves: Domain) -> None:
    info = Run.open(trained.folder).info
    assert info["format"] == "fewsight.run/1"
    assert info["command"] == "the command"
    assert info["domain"]["fingerprint"] == waves.fingerprint
    assert info["strategy"] == "loop"
    assert info["versions"]["torch"] == torch.__version__
    assert info["protocol"]["test"] == RECIPE.test.model_dump()
    assert info["protocol"]["transductive"] is False
    assert Run.open(trained.folder).recipe == RECIPE.model_copy(update={"results": []})
    assert Run.open(trained.folder).domain().name == "sinusoid"


def test_its_learner_has_the_best_weights_and_needs_no_data(
    trained: Run, waves: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("no data may be needed")

    monkeypatch.setattr("fewsight.training.run.open_domain", refuse)
    learner = Run.open(trained.folder).learner()
    assert not any(module.training for module in learner.modules())
    best = trained.best()
    assert best is not None
    assert all(torch.equal(best["weights"][name], value) for name, value in learner.state_dict().items())
    task = Episodes(waves.family("test", ways=1, shots=5, queries=3), 0, "test")[0]
    more = trained.learner(["inner_steps=10"])
    assert len(more.trace(task.support)) == 10
    assert len(learner.trace(task.support)) == 1


def test_an_unknown_setting_of_adaptation(trained: Run) -> None:
    with pytest.raises(RecipeError, match="did you mean 'inner_steps'"):
        trained.learner(["inner_stps=10"])


@pytest.mark.parametrize("setting", ["seed=1", "shots=2", "test.ways=3", "domain.name=digits", "training.lr=1"])
def test_a_setting_that_a_trained_run_cannot_have_is_not_ignored(trained: Run, setting: str) -> None:
    with pytest.raises(RecipeError, match="changes nothing in a trained run, only settings of learner and network"):
        trained.learner([setting])


def test_a_run_is_not_overwritten(trained: Run, waves: Domain) -> None:
    before = {file.name: file.read_bytes() for file in trained.folder.iterdir() if file.is_file()}
    with pytest.raises(RunError, match="already holds a run: resume it"):
        Run.create(trained.folder, recipe=RECIPE, domain=waves)
    assert before == {file.name: file.read_bytes() for file in trained.folder.iterdir() if file.is_file()}


def test_another_recipe_cannot_be_resumed(trained: Run, waves: Domain) -> None:
    other = recipes.override(RECIPE, ["lr=0.5"])
    with pytest.raises(RunError, match=r"another recipe \(they differ in training.lr\)"):
        Run.create(trained.folder, recipe=other, domain=waves, resume=True)


def test_changed_data_cannot_be_resumed(trained: Run, waves: Domain) -> None:
    class Changed:
        name, outputs, input_shape, splits, fingerprint = "sinusoid", 1, (1,), ("train",), "other"
        family = waves.family

    with pytest.raises(RunError, match=r"the data of .* changed"):
        Run.create(trained.folder, recipe=RECIPE, domain=Changed(), resume=True)  # type: ignore[arg-type]


def test_results_that_others_measured_are_no_part_of_a_run(trained: Run, waves: Domain) -> None:
    measured = RECIPE.model_copy(update={"results": [RECIPE.results[0].model_copy(update={"measured": 0.5})]})
    assert Run.create(trained.folder, recipe=measured, domain=waves, resume=True).info == trained.info


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for resume in (False, True):
        with pytest.raises(RunError, match=r"not empty and holds no run \(thesis.tex"):
            Run.create(tmp_path, resume=resume)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot make the run folder"):
        Run.create(tmp_path / "file" / "run")
    with pytest.raises(RunError, match="there is no run folder"):
        Run.open(tmp_path / "file")


def test_a_full_disk_at_the_start_leaves_a_folder_that_can_be_used(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json.tmp").symlink_to("/dev/full")
    with pytest.raises(RunError, match="No space left on device"):
        Run.create(run)
    assert not list(run.iterdir())
    assert Run.create(run).folder == run


def test_opening_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run folder"):
        Run.open(tmp_path / "none")
    with pytest.raises(RunError, match=r"run.json does not exist"):
        Run.open(tmp_path)
    Run.create(tmp_path)
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text[: len(text) // 2])
    with pytest.raises(RunError, match="damaged or cut short"):
        Run.open(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(json.loads(text) | {"format": "fewsight.run/0"}))
    with pytest.raises(RunError, match="use the version that wrote it"):
        Run.open(tmp_path)


def test_a_run_without_weights(tmp_path: Path, waves: Domain) -> None:
    run = Run.create(tmp_path / "run", recipe=RECIPE, domain=waves)
    with pytest.raises(RunError, match="has no weights yet"):
        run.learner()


def test_a_run_made_in_python(tmp_path: Path, regressor: Callable[..., MAML], sines: Episodes) -> None:
    run, learner = Run.create(tmp_path / "run"), regressor()
    fit(learner, sines, steps=2, strategy="loop", run=run, progress=False)
    with pytest.raises(RunError, match=r"call run.restore\(learner\)"):
        run.learner()
    fresh = regressor()
    Run.open(run.folder).restore(fresh)
    assert all(torch.equal(value, fresh.state_dict()[name]) for name, value in learner.state_dict().items())
    with pytest.raises(RunError, match="belong to another learner"):
        run.restore(recipes.build(RECIPE, open_domain("sinusoid")))


def test_a_damaged_best_checkpoint_is_said(trained: Run, tmp_path: Path) -> None:
    for file in trained.folder.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    victim = next(tmp_path.glob("best-*.safetensors"))
    victim.write_bytes(victim.read_bytes()[:-8])
    with pytest.raises(RunError, match="damaged or cut short"):
        replace(trained, folder=tmp_path).learner()


def test_the_recipe_of_a_run_is_checked_again(trained: Run) -> None:
    broken: dict = {"recipe": RECIPE.model_dump(mode="json") | {"colour": "red"}}
    with pytest.raises(RecipeError, match="unknown key 'colour'"):
        Run(trained.folder, broken).recipe  # noqa: B018
