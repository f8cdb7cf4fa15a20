"""`fit`: the mathematics of its steps, when it stops, what it keeps, and what it shows."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fewsight.domains import Episodes
from fewsight.errors import LearnerError, RecipeError, RunError
from fewsight.learner import Learner, task_loss
from fewsight.learners import MAML, ProtoNet
from fewsight.networks import Conv4
from fewsight.task import Support, Task
from fewsight.training import Run, fit
from fewsight.training.scoring import task_scores
from fewsight.tree import Tree


class Constant(Learner):
    """Answers every query with its one parameter."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor([start]))

    def solve(self, support: Support) -> Tree:
        return self.value

    def score(self, state: Tree, query: Tree) -> Tensor:
        return state.expand(query.shape[0], 1)


class Always:
    """Tasks whose every answer is `value`."""

    def __init__(self, value: float) -> None:
        self.value = value

    def draw(self, rng: Any) -> Task:
        return Task(Support.of(torch.zeros(1, 1), torch.zeros(1, 1)), torch.zeros(2, 1), torch.full((2, 1), self.value))


def always(value: float) -> Episodes:
    return Episodes(Always(value), 0, "always")


def weights(learner: Learner) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in learner.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def lines(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("schedule", "clip"), [("cosine", 100.0), ("constant", 100.0), ("cosine", 0.1)])
def test_the_steps_are_adams(regressor: Callable[..., MAML], sines: Episodes, schedule: str, clip: float) -> None:
    """The same written out: mean loss, gradient shortened to `clip`, Adam (Kingma & Ba 2015, algorithm 1)."""
    ours, theirs = regressor(), regressor()
    fit(ours, sines, steps=5, meta_batch=3, lr=0.05, schedule=schedule, clip=clip, strategy="loop", progress=False)
    parameters = list(theirs.parameters())
    first = [torch.zeros_like(p) for p in parameters]
    second = [torch.zeros_like(p) for p in parameters]
    clipped = 0
    for step in range(5):
        loss = torch.stack([task_loss(theirs(t.support, t.query), t) for t in sines.batch(3 * step, 3)]).mean()
        gradient = torch.autograd.grad(loss, parameters)
        norm = math.sqrt(sum(float(g.square().sum()) for g in gradient))
        clipped += norm > clip
        rate = 0.05 * (0.5 * (1 + math.cos(math.pi * step / 5)) if schedule == "cosine" else 1)
        for p, g, m, v in zip(parameters, gradient, first, second, strict=True):
            g = g * min(1.0, clip / norm)
            m.mul_(0.9).add_(0.1 * g)
            v.mul_(0.999).add_(0.001 * g.square())
            p.data -= rate * (m / (1 - 0.9 ** (step + 1))) / ((v / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
    assert clipped == (5 if clip < 1 else 0)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-4, atol=1e-6)


def test_training_helps_and_moves_no_generator(regressor: Callable[..., MAML], sines: Episodes) -> None:
    before, losses = torch.get_rng_state(), []
    fit(
        regressor(0.2), sines, steps=150, meta_batch=8, lr=1e-2, strategy="loop", progress=False,
        on_step=lambda step, result: losses.append(result.loss),
    )  # fmt: skip
    assert torch.equal(torch.get_rng_state(), before)
    assert len(losses) == 150
    assert sum(losses[-30:]) < 0.8 * sum(losses[:30])


def test_best_weights_are_kept_and_training_stops_when_they_no_longer_improve(tmp_path: Path) -> None:
    """A constant learns 1 in steps of about .1 while validation wants .5: the 5th step is the best one."""
    learner, run = Constant(), Run.create(tmp_path / "run")
    outcome = fit(
        learner, always(1.0), validation=always(0.5), steps=100, lr=0.1, schedule="constant", validate_every=1,
        validate_tasks=2, patience=3, run=run, strategy="loop", progress=False,
    )  # fmt: skip
    assert (outcome.stopped, outcome.best_step, outcome.step, outcome.stale) == ("early", 5, 8, 3)
    assert outcome.best == pytest.approx((0.5 - float(learner.value.detach())) ** 2)
    assert abs(float(learner.value.detach()) - 0.5) < 0.03
    assert not learner.training
    scores = [line["validation"] for line in lines(run) if "validation" in line]
    assert min(scores) == scores[4] == outcome.best
    restored = Constant()
    run.restore(restored)
    assert torch.equal(restored.value, learner.value)
    again = fit(
        Constant(), always(1.0), validation=always(0.5), steps=100, patience=3,
        run=Run.open(run.folder), strategy="loop", progress=False,
    )  # fmt: skip
    assert again == outcome, "what stopped early stays stopped"


def test_without_patience_all_steps_are_taken_and_the_last_is_validated() -> None:
    learner = Constant()
    outcome = fit(
        learner, always(1.0), validation=always(0.5), steps=9, lr=0.1, schedule="constant", validate_every=5,
        validate_tasks=1, strategy="loop", progress=False,
    )  # fmt: skip
    assert (outcome.stopped, outcome.step, outcome.best_step, outcome.stale) == ("finished", 9, 5, 1)
    assert abs(float(learner.value.detach()) - 0.5) < 0.03


def test_accuracy_is_better_when_higher(digits: Episodes) -> None:
    """The untrained embedding is the better one: training at an absurd rate ruins it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = ProtoNet(nn.Sequential(nn.Flatten(), nn.Linear(digits[0].query[0].numel(), 8)))
    seen: list[dict[str, Tensor]] = []
    outcome = fit(
        learner, digits, validation=digits, steps=4, lr=10.0, schedule="constant", validate_every=1, validate_tasks=6,
        strategy="loop", progress=False, on_step=lambda step, result: seen.append(weights(learner)),
    )  # fmt: skip
    accuracies = []
    for state in seen:
        learner.load_state_dict(state)
        accuracies.append(sum(task_scores(learner, digits.batch(0, 6))) / 6)
    assert len(set(accuracies)) > 1
    assert outcome.best == pytest.approx(max(accuracies))
    assert outcome.best_step == 1 + accuracies.index(max(accuracies))


class CrashError(Exception):
    """The process dies here."""


def crash_at(number: int) -> Callable[[int, Any], None]:
    def on_step(step: int, result: Any) -> None:
        if step == number:
            raise CrashError

    return on_step


@pytest.mark.parametrize("strategy", ["loop", "vmap", "trace"])
def test_dropout_resumes_exactly(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path, strategy: str
) -> None:
    settings: dict[str, Any] = {
        "steps": 10, "strategy": strategy, "checkpoint_every": 2, "progress": False, "validation": sines,
        "validate_every": 4, "validate_tasks": 2,
    }  # fmt: skip
    unbroken, broken = regressor(0.5), regressor(0.5)
    fit(unbroken, sines, run=Run.create(tmp_path / "unbroken"), **settings)
    with pytest.raises(CrashError):
        fit(broken, sines, run=Run.create(tmp_path / "broken"), on_step=crash_at(7), **settings)
    torch.rand(5)
    resumed = regressor(0.5)
    fit(resumed, sines, run=Run.create(tmp_path / "broken", resume=True), **settings)
    assert same(weights(unbroken), weights(resumed))
    assert lines(Run.open(tmp_path / "broken")) == lines(Run.open(tmp_path / "unbroken"))
    changed = regressor(0.5)
    fit(changed, sines, **settings | {"seed": 1})
    assert not same(weights(unbroken), weights(changed)), "the seed matters, so the test can fail"


def test_channels_last_resumes_exactly(digits: Episodes, tmp_path: Path) -> None:
    """Sums depend on the order in memory: moments and weights must come back in the order they had."""

    def convolution() -> Learner:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return ProtoNet(Conv4(hidden=4, blocks=2))

    settings: dict[str, Any] = {
        "steps": 6, "strategy": "loop+channels_last", "checkpoint_every": 2, "progress": False,
        "meta_batch": 1, "lr": 0.1,
    }  # fmt: skip
    unbroken, resumed = convolution(), convolution()
    fit(unbroken, digits, run=Run.create(tmp_path / "unbroken"), **settings)
    with pytest.raises(CrashError):
        fit(convolution(), digits, run=Run.create(tmp_path / "run"), on_step=crash_at(5), **settings)
    fit(resumed, digits, run=Run.create(tmp_path / "run", resume=True), **settings)
    assert same(weights(unbroken), weights(resumed))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_and_saves(
    regressor: Callable[..., MAML],
    sines: Episodes,
    tmp_path: Path,
    number: signal.Signals,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings: dict[str, Any] = {"steps": 6, "strategy": "loop", "checkpoint_every": 100}
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    run, unbroken, resumed = Run.create(tmp_path / "run"), regressor(), regressor()

    def interrupt(step: int, result: Any) -> None:
        if step == 3:
            os.kill(os.getpid(), number)

    first = fit(regressor(), sines, run=run, on_step=interrupt, **settings)
    assert (first.stopped, first.step) == ("interrupted", 3)
    assert "--resume" in capsys.readouterr().err
    assert handlers == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    second = fit(resumed, sines, run=Run.open(run.folder), **settings)
    assert (second.stopped, second.step) == ("finished", 6)
    assert second.seconds > first.seconds > 0
    fit(unbroken, sines, **settings)
    assert same(weights(unbroken), weights(resumed))


def test_a_finished_run_is_not_trained_further(regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path) -> None:
    run, learner, again = Run.create(tmp_path / "run"), regressor(), regressor()
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    first = fit(learner, sines, steps=3, run=run, strategy="loop", progress=False)
    assert handlers == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    second = fit(again, sines, steps=3, run=run, strategy="loop", progress=False, on_step=crash_at(1))
    assert first == second
    assert same(weights(learner), weights(again))


def test_a_loss_that_is_not_finite_stops_with_advice(tmp_path: Path, sines: Episodes) -> None:
    learner, run = Constant(), Run.create(tmp_path / "run")

    def poison(step: int, result: Any) -> None:
        if step == 3:
            learner.value.data.fill_(float("nan"))

    with pytest.raises(RunError, match=r"diverged at step 4 \(loss nan.*try a smaller lr"):
        fit(learner, sines, steps=9, run=run, checkpoint_every=2, strategy="loop", progress=False, on_step=poison)
    fresh = Constant()
    run.restore(fresh)
    assert torch.isfinite(fresh.value).all()
    assert Run.open(run.folder).latest()["fit"]["step"] == 2  # type: ignore[index]


def test_a_full_disk_while_training_keeps_the_checkpoint_and_resumes(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"steps": 6, "strategy": "loop", "checkpoint_every": 2, "progress": False}
    run, unbroken, resumed = Run.create(tmp_path / "run"), regressor(), regressor()

    def fill(step: int, result: Any) -> None:
        if step == 4:
            (run.folder / "checkpoint.json.tmp").symlink_to("/dev/full")

    with pytest.raises(RunError, match="No space left on device"):
        fit(regressor(), sines, run=run, on_step=fill, **settings)
    assert run.latest()["fit"]["step"] == 2  # type: ignore[index]
    fit(resumed, sines, run=Run.open(run.folder), **settings)
    fit(unbroken, sines, **settings)
    assert same(weights(unbroken), weights(resumed))


@pytest.mark.parametrize("limit", [600, 1200, 1800, 2400])
def test_files_that_may_not_grow_while_training(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path, limit: int
) -> None:
    """The kernel refuses whatever comes first, metrics, curves or checkpoint: one error, and training goes on later."""
    settings: dict[str, Any] = {"steps": 25, "strategy": "loop", "checkpoint_every": 4, "progress": False}
    run, unbroken, resumed = Run.create(tmp_path / "run"), regressor(), regressor()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(RunError, match=r"cannot write .* resume"):
            fit(regressor(), sines, run=run, **settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    fit(resumed, sines, run=Run.open(run.folder), **settings)
    fit(unbroken, sines, run=Run.create(tmp_path / "unbroken"), **settings)
    assert same(weights(unbroken), weights(resumed))
    assert lines(run) == lines(Run.open(tmp_path / "unbroken"))


def test_the_measured_strategy_stays(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tmp_path / "run")
    with pytest.raises(CrashError):
        fit(regressor(), sines, steps=3, run=run, progress=False, on_step=crash_at(2))
    assert "fastest of" in run.info["strategy_report"]

    def refuse(*args: Any, **settings: Any) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(sys.modules["fewsight.training.fit"], "choose", refuse)
    fit(regressor(), sines, steps=3, run=Run.open(run.folder), progress=False)
    assert Run.open(run.folder).info["strategy"] == run.info["strategy"]


def test_unknown_names(regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="unknown schedule 'cosin': use 'cosine' or 'constant'"):
        fit(regressor(), sines, steps=1, schedule="cosin", progress=False)
    with pytest.raises(RecipeError, match="unknown strategy 'lop'; did you mean 'loop'"):
        fit(regressor(), sines, steps=1, strategy="lop", progress=False)


def test_a_learner_without_parameters(raw_protonet: Learner, digits: Episodes) -> None:
    with pytest.raises(LearnerError, match="no parameters to train"):
        fit(raw_protonet, digits, steps=1, progress=False)


def test_metrics_hold_every_step(regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path) -> None:
    run, seen = Run.create(tmp_path / "run"), []
    fit(
        regressor(), sines, validation=sines, steps=4, lr=0.1, run=run, validate_every=2, validate_tasks=1,
        progress=False, strategy="loop", on_step=lambda step, result: seen.append((step, result.loss)),
    )  # fmt: skip
    steps = [line for line in lines(run) if "loss" in line]
    assert [(line["step"], line["loss"]) for line in steps] == seen
    assert [line["lr"] for line in steps] == pytest.approx([0.05 * (1 + math.cos(math.pi * n / 4)) for n in range(4)])
    assert [line["step"] for line in lines(run) if "validation" in line] == [2, 4]


def test_curves_in_tensorboard(regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings: dict[str, Any] = {"steps": 6, "strategy": "loop", "checkpoint_every": 2, "progress": False}
    run = Run.create(tmp_path / "run")
    with pytest.raises(CrashError):
        fit(regressor(), sines, run=run, on_step=crash_at(5), **settings)
    fit(regressor(), sines, run=run, **settings)
    events = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3, 4, 5, 6]
    assert [event.value for event in events.Scalars("loss")] == pytest.approx([line["loss"] for line in lines(run)])


def test_without_tensorboard(
    regressor: Callable[..., MAML], sines: Episodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    run = Run.create(tmp_path / "run")
    assert fit(regressor(), sines, steps=2, run=run, strategy="loop", progress=False).stopped == "finished"
    assert not (run.folder / "tensorboard").exists()
    assert len(lines(run)) == 2


def test_plain_progress_where_there_is_no_terminal(
    regressor: Callable[..., MAML], sines: Episodes, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(regressor(), sines, validation=sines, steps=3, validate_tasks=2, strategy="loop")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "step 3/3  loss " in printed.err
    assert "tasks/s" in printed.err
    assert "left" in printed.err
    assert "validation squared error" in printed.err
    assert "finished" in printed.err
    assert "\x1b" not in printed.err, "no control characters outside a terminal"
    fit(regressor(), sines, steps=3, strategy="loop", progress=False)
    assert capsys.readouterr().err == ""


def test_a_bar_in_a_terminal(
    digits: Episodes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    fit(ProtoNet(Conv4(hidden=2, blocks=1)), digits, steps=2,
        meta_batch=1, strategy="loop")  # fmt: skip
    printed = capsys.readouterr().err
    assert "━" in printed
    assert "accuracy" in printed


def test_fit_without_a_run_leaves_signals_alone(regressor: Callable[..., MAML], sines: Episodes) -> None:
    handler = signal.getsignal(signal.SIGINT)
    during = []
    fit(
        regressor(), sines, steps=1, strategy="loop", progress=False,
        on_step=lambda step, result: during.append(signal.getsignal(signal.SIGINT)),
    )  # fmt: skip
    assert during == [handler]
