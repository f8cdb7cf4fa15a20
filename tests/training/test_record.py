"""The record of a meta-training: what is in it, that it follows the training, and that no kill changes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from fewsight import recipes, training
from fewsight.domains import Episodes
from fewsight.errors import RecipeError, RunError
from fewsight.experience import embed, meta_gradient, sketch, trainable
from fewsight.learners import MAML
from fewsight.training import Run, files, fit, record
from fewsight.training.experiment import experience as of_recipe
from fewsight.training.record import experience

SETTINGS: dict[str, Any] = {
    "steps": 12, "meta_batch": 2, "lr": 0.02, "strategy": "loop", "checkpoint_every": 2, "progress": False, "record": 3,
}  # fmt: skip


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer tasks, so that summaries take milliseconds."""
    monkeypatch.setattr(record, "TASKS", 4)
    monkeypatch.setattr(record, "HELD_OUT", 7)


class CrashError(Exception):
    """The process dies here."""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "record").iterdir()}


def test_the_reach_is_what_adam_multiplied_gradients_by(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path
) -> None:
    """Three parts of four steps; in the middle of each, the multiplier is the one Adam's next step shows."""
    seen = [regressor().state_dict()]
    learner, run = regressor(), Run.create(tmp_path / "run")

    def watch(step: int, result: Any) -> None:
        seen.append({name: value.clone() for name, value in learner.state_dict().items()})

    fit(learner, sines, run=run, on_step=watch, **SETTINGS)
    # Adam's v: a mean of squared gradients that forgets .001 with each step, divided by what it has not forgotten.
    moment, expected = torch.zeros(()), torch.zeros(())
    for n, omega in enumerate(seen[:12]):
        gradient = torch.stack([meta_gradient(learner, omega, task) for task in sines.batch(2 * n, 2)]).mean(0)
        gradient = gradient * min(1.0, 10.0 / float(gradient.norm()))
        moment = 0.999 * moment + 0.001 * gradient.square()
        if n + 1 in (2, 6, 10):
            rates = [0.5 * 0.02 * (1 + math.cos(math.pi * m / 12)) for m in range(n - 1, n + 3)]
            expected = expected + sum(rates) / ((moment / (1 - 0.999 ** (n + 1))).sqrt() + 1e-8)
    torch.testing.assert_close(experience(run, sines).reach, expected, rtol=1e-3, atol=1e-5)


def test_tasks_are_spread_over_the_training_and_drawn_again(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path
) -> None:
    learner, run = regressor(), Run.create(tmp_path / "run")
    fit(learner, sines, run=run, validation=replace(sines, name="val"), **SETTINGS | {"steps": 60, "record": 2})
    found, kept = experience(run, sines), experience(run)
    best = run.best()
    assert best is not None
    assert found.tasks is not None
    numbers = [int(name.partition("(episode ")[2].rstrip(")")) for name in found.names]
    gaps = [b - a for a, b in pairwise(numbers)]
    assert len(numbers) == 2 * 4
    assert max(gaps) - min(gaps) <= 1
    assert numbers[0] < max(gaps)
    assert kept.tasks is None
    assert kept.held_out.shape[0] == 7
    for i in (0, 5):
        task = sines[numbers[i]]
        assert torch.equal(found.tasks[i].query, task.query)
        assert task.name in found.names[i]
        assert torch.equal(kept.embeddings[i], embed(learner, task.support, sines[numbers[0]].query))
        pull = meta_gradient(learner, trainable(learner), task) * found.reach.sqrt()
        assert kept.sketches is not None
        torch.testing.assert_close(kept.sketches[i, 0], sketch(pull))
    assert torch.equal(kept.witness.support.x, sines[numbers[0]].support.x)


def test_a_best_step_in_the_middle_ends_the_record(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path
) -> None:
    """Tasks that came after the weights that are used have no part in them."""
    run = Run.create(tmp_path / "run")
    fit(
        regressor(), sines, run=run, validation=replace(sines, name="val"), validate_every=3, validate_tasks=3,
        **SETTINGS | {"lr": 3.0, "steps": 12},
    )  # fmt: skip
    best = run.best()
    assert best is not None
    step = run.latest()["fit"]["best_step"]  # type: ignore[index]
    assert step < 12, "the absurd rate makes training worse, so the test can fail"
    found = experience(run, sines)
    assert all(int(name.partition("(episode ")[2].rstrip(")")) < 2 * step for name in found.names)
    whole = Run.create(tmp_path / "whole")
    fit(regressor(), sines, run=whole, **SETTINGS | {"lr": 3.0, "steps": 12})
    assert float(found.reach.sum()) < float(experience(whole).reach.sum())


@pytest.mark.parametrize("moment", [1, 3, 6, 11])
def test_a_record_that_was_broken_off_is_the_same(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path, moment: int
) -> None:
    def crash(step: int, result: Any) -> None:
        if step == moment:
            raise CrashError

    fit(regressor(0.5), sines, run=Run.create(tmp_path / "unbroken"), **SETTINGS)
    with pytest.raises(CrashError):
        fit(regressor(0.5), sines, run=Run.create(tmp_path / "broken"), on_step=crash, **SETTINGS)
    fit(regressor(0.5), sines, run=Run.create(tmp_path / "broken", resume=True), **SETTINGS)
    assert contents(tmp_path / "broken") == contents(tmp_path / "unbroken")
    assert len(contents(tmp_path / "unbroken")) == 8


def test_every_write_of_the_record_may_be_the_last(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies at each of the six replacements in turn, before it or between its two halves."""
    settings, unbroken = SETTINGS | {"steps": 4, "record": 2}, tmp_path / "unbroken"
    fit(regressor(), sines, run=Run.create(unbroken), **settings)
    assert len(contents(unbroken)) == 6
    original = files.replace
    for fatal in range(6):
        run, counted = tmp_path / f"run {fatal}", 0

        def deadly(path: Path, payload: bytes, fatal: int = fatal) -> None:
            nonlocal counted
            if path.parent.name == "record":
                counted += 1
                if counted == fatal + 1:
                    path.with_name(path.name + files.SUFFIX).write_bytes(payload[:50])
                    raise CrashError
            original(path, payload)

        monkeypatch.setattr(files, "replace", deadly)
        with pytest.raises(CrashError):
            fit(regressor(), sines, run=Run.create(run), **settings)
        monkeypatch.setattr(files, "replace", original)
        fit(regressor(), sines, run=Run.create(run, resume=True), **settings)
        assert contents(run) == contents(unbroken)


def test_recording_changes_no_weight(regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path) -> None:
    recorded, plain = regressor(0.5), regressor(0.5)
    state = torch.get_rng_state()
    fit(recorded, sines, run=Run.create(tmp_path / "run"), **SETTINGS)
    assert torch.equal(torch.get_rng_state(), state)
    fit(plain, sines, **SETTINGS | {"record": 0})
    assert all(torch.equal(a, b) for a, b in zip(recorded.parameters(), plain.parameters(), strict=True))


def test_a_recipe_can_ask_for_it(tmp_path: Path) -> None:
    recipe = recipes.load("sinusoid-maml", ["hidden=[6]", "steps=6", "record=2", "meta_batch=2", "strategy=loop"])
    run, _ = training.train(recipe, tmp_path / "run", progress=False)
    found = of_recipe(run)
    assert found.tasks is not None
    assert found.size == len(found.tasks) == 8
    assert found.shape == "5 examples"


def test_what_cannot_be(regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="record=3 needs a run folder"):
        fit(regressor(), sines, **SETTINGS)
    run = Run.create(tmp_path / "run")
    with pytest.raises(RunError, match=r"no record of its tasks: train with record=8"):
        experience(run)
