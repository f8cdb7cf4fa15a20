"""The record of a meta-training: what is in it, that it follows the training, and that no kill changes it."""

from __future__ import annotations

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
from fewsight.experience import embed, meta_gradient, sketch
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


def test_snapshots_are_the_learner_and_adams_multiplier_on_the_way(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path
) -> None:
    """Three parts of four steps, a snapshot in the middle of each; the multiplier is the one Adam's next step shows."""
    seen: dict[int, list[torch.Tensor]] = {}
    learner, run = regressor(), Run.create(tmp_path / "run")

    def watch(step: int, result: Any) -> None:
        seen[step] = [p.detach().clone() for p in learner.parameters()]

    fit(learner, sines, run=run, on_step=watch, **SETTINGS)
    found = experience(run, sines)
    assert [snapshot.step for snapshot in found.snapshots] == [2, 6, 10]
    for snapshot in found.snapshots:
        for value, expected in zip(snapshot.omega.values(), seen[snapshot.step], strict=True):
            assert torch.equal(value, expected)
    rates = [0.5 * 0.02 * (1 + torch.cos(torch.tensor(torch.pi * n / 12))) for n in range(12)]
    for part, snapshot in enumerate(found.snapshots):
        assert snapshot.rate == pytest.approx(float(sum(rates[4 * part : 4 * part + 4])), rel=1e-5)
    # Adam after two steps of gradients g0, g1: v = .999 * .001 g0^2 + .001 g1^2, divided by 1 - .999^2.
    omega = [regressor().state_dict(), dict(zip(found.snapshots[0].omega, seen[1], strict=True))]
    gradients = [
        torch.stack([meta_gradient(learner, omega[n], task) for task in sines.batch(2 * n, 2)]).mean(0) for n in (0, 1)
    ]
    gradients = [g * min(1.0, 10.0 / float(g.norm())) for g in gradients]
    moment = (0.999 * gradients[0].square() + gradients[1].square()) / 1.999
    torch.testing.assert_close(found.snapshots[0].scale.square(), 1 / (moment.sqrt() + 1e-8), rtol=1e-3, atol=1e-5)


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
        for t, snapshot in enumerate(found.snapshots):
            pull = meta_gradient(learner, snapshot.omega, task) * snapshot.scale
            assert kept.sketches is not None
            torch.testing.assert_close(kept.sketches[t, i], sketch(pull))
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
    total = sum(3.0 * 0.5 * (1 + torch.cos(torch.tensor(torch.pi * n / 12))) for n in range(step))
    assert sum(snapshot.rate for snapshot in found.snapshots) == pytest.approx(float(total), rel=1e-5)


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
