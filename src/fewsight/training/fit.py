"""How is a learner meta-trained? Draw tasks, take the gradient of their query losses, step; lose nothing on the way.

What happens at step n is a function of the state at n and of the seed: tasks are numbered, the learning rate is
computed from n, and the random numbers of the step (dropout) are seeded by n. A training that was killed and resumed
therefore ends with the weights of an unbroken one, bit for bit, on the same machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch
from torch import nn

from fewsight import device as devices
from fewsight import metrics
from fewsight.domains.episodes import Episodes, prefetch
from fewsight.errors import LearnerError, RecipeError, RunError
from fewsight.learner import Learner
from fewsight.task import Task
from fewsight.training.choice import Choice, choose
from fewsight.training.engine import Engine, StepResult, Strategy
from fewsight.training.interrupt import Interrupt
from fewsight.training.metrics import MetricsLog
from fewsight.training.progress import Progress
from fewsight.training.record import Recorder
from fewsight.training.run import Run
from fewsight.training.scoring import seeded
from fewsight.training.state import Fit, pack, unpack
from fewsight.training.validation import Validation

SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
    "constant": lambda done: 1.0,
}
"""The share of the learning rate that is left when a share `done` of the steps is taken."""


def fit(
    learner: Learner,
    train: Episodes,
    *,
    steps: int,
    validation: Episodes | None = None,
    meta_batch: int = 4,
    lr: float = 1e-3,
    schedule: str = "cosine",
    clip: float = 10.0,
    seed: int = 0,
    validate_every: int = 500,
    validate_tasks: int = 200,
    patience: int | None = None,
    strategy: str = "auto",
    device: str | None = None,
    checkpoint_every: int = 100,
    record: int = 0,
    metric: str | None = None,
    run: Run | None = None,
    progress: bool = True,
    on_step: Callable[[int, StepResult], None] | None = None,
) -> Fit:
    """Meta-train `learner` in place with Adam; it is left in evaluation mode, with its best weights if validated.

    Args:
        train: training tasks; step n (from 0) takes episodes n * meta_batch, ..., (n + 1) * meta_batch - 1.
        steps: meta-steps in all, those of an earlier part included.
        validation: tasks whose first `validate_tasks` are scored every `validate_every` steps and at the end.
        meta_batch: tasks of one step.
        lr: learning rate of Adam; the `schedule` "cosine" lets it fall to 0, "constant" keeps it.
        clip: largest norm of the meta-gradient.
        seed: of the random numbers inside a step.
        patience: stop after so many validations without improvement; None: never.
        strategy: how gradients are computed (see `engine`); "auto" measures and takes the fastest.
        device: where: "cpu", "cuda"...; "auto" measures on what is at hand and takes the fastest; None: where the
            learner is. Afterwards the learner is where it was before.
        checkpoint_every: steps between checkpoints, with `run`.
        record: parts of the training to keep a record of, with `run`, so that predictions can be traced to its tasks
            (see `record`); 16 tasks for each; 0: none.
        metric: what validation measures (see `fewsight.metrics`); None: accuracy, or squared error.
        run: where checkpoints and metrics go, and what is resumed. Without one nothing is written. With one, SIGINT and
            SIGTERM end the step, save, and return.
        progress: show progress on the standard error.
        on_step: called after each step with its number (from 1) and its result.

    Raises:
        RecipeError: an unknown schedule or strategy, a device that is not at hand, or `record` without `run`.
        LearnerError: the learner has nothing to train.
        RunError: the loss is not finite, or the run cannot be written; the last checkpoint remains.
    """
    if schedule not in SCHEDULES:
        raise RecipeError(f"unknown schedule {schedule!r}: use {' or '.join(map(repr, SCHEDULES))}")
    if record and not run:
        raise RecipeError(f"record={record} needs a run folder to keep the record in: give run=Run.create(folder)")
    parameters = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    if not parameters:
        raise LearnerError(f"this {type(learner).__name__} has no parameters to train: give it a network that has some")
    optimizer, usual = torch.optim.Adam(parameters, lr=lr), metrics.usual(train[0])
    judged = metric or usual
    metrics.metric(judged)  # an unknown one is an error before the work
    judge = Validation(validation, validate_tasks, validate_every, patience, judged, run) if validation else None

    def rate_at(step: int, steps: int = steps) -> float:
        return lr * SCHEDULES[schedule](step / steps)

    home = devices.of(learner)
    places = [home] if device is None else devices.at_hand(device)
    recorder = Recorder(run, record, steps, meta_batch, rate_at) if run and record else None
    learner.train()
    with ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt()) if run else None
        choice = _choice(learner, train.batch(0, meta_batch), strategy, places, steps, seed, run)
        engine = Engine(learner.to(choice.device), choice.strategy)  # first of all: it orders the weights in memory
        now = Fit()
        if run and (saved := run.latest()):
            now = unpack(saved, learner, optimizer, str(run.folder))
        if now.stopped == "early":
            steps = now.step
        earlier, started = now.seconds, time.perf_counter()
        log = stack.enter_context(MetricsLog(run.folder, now.step)) if run else None
        display = stack.enter_context(Progress(steps, now.step, usual, progress))
        for line in (str(choice), *learner.remarks):
            display.say(line)
        for tasks in prefetch(train, now.step * meta_batch, steps * meta_batch, meta_batch):
            learner.progress = now.step / steps
            rate = rate_at(now.step)
            tasks = [task.to(device=choice.device) for task in tasks]
            result, norm = _step(engine, optimizer, tasks, rate, clip, seed, now.step)
            now.step += 1
            now.stopped = "finished" if now.step == steps else ""
            display.step(now.step, meta_batch, result.loss, result.metric)
            if log:
                log.write(now.step, loss=result.loss, metric=result.metric, gradient_norm=norm, lr=rate)
            if on_step:
                on_step(now.step, result)
            if judge and (now.step % judge.every == 0 or now.stopped):
                score = judge.check(learner, now)
                display.say(f"step {now.step}: validation {judged} {metrics.metric(judged).shown(score)}")
                if log:
                    log.write(now.step, validation=score)
            if interrupt and interrupt.requested and not now.stopped:
                now.stopped = "interrupted"
            if recorder:
                recorder.after(now.step, learner, optimizer)
            now.seconds = earlier + time.perf_counter() - started
            if run and (now.step % checkpoint_every == 0 or now.stopped):
                run.save(pack(learner, optimizer, now))
            if now.stopped:
                break
        display.say(_farewell(now, judged))
    if judge:
        judge.restore(learner)
    learner.eval()
    if recorder and now.stopped != "interrupted":
        recorder.finish(learner.cpu(), train, validation, now)
    learner.to(home)
    return now


def _choice(
    learner: Learner,
    tasks: Sequence[Task],
    strategy: str,
    places: Sequence[torch.device],
    steps: int,
    seed: int,
    run: Run | None,
) -> Choice:
    """The strategy and the device: those the run has, those asked for, or the fastest; noted in the run, to stay.

    A run goes on where it was (measured anew, another might win and give other last bits), or where it can.
    """
    if run and "strategy" in run.info:
        there = [place for place in places if str(place) == run.info.get("device")]
        return Choice(Strategy.parse(run.info["strategy"]), (there or places)[0])
    only = None if strategy == "auto" else Strategy.parse(strategy)
    with seeded(seed, "choose"):
        choice = choose(learner, tasks, devices=places, only=only, steps=steps)
    if run:
        run.note(strategy=str(choice.strategy), device=str(choice.device), strategy_report=str(choice))
    return choice


def _step(
    engine: Engine,
    optimizer: torch.optim.Optimizer,
    tasks: Sequence[Task],
    rate: float,
    clip: float,
    seed: int,
    step: int,
) -> tuple[StepResult, float]:
    """One outer step at learning rate `rate`; its result and the norm of the meta-gradient before clipping."""
    with seeded(seed, "step", step):
        result = engine.gradients(tasks)
    (group,) = optimizer.param_groups
    norm = float(nn.utils.clip_grad_norm_(group["params"], clip))
    if not (math.isfinite(result.loss) and math.isfinite(norm)):
        raise RunError(
            f"training diverged at step {step + 1} (loss {result.loss}, gradient norm {norm}): "
            "try a smaller lr, a smaller inner learning rate, or a smaller clip; the last checkpoint is intact"
        )
    group["lr"] = rate
    optimizer.step()
    return result, norm


def _farewell(now: Fit, metric: str) -> str:
    best = (
        ""
        if now.best is None
        else f"; best validation {metric} {metrics.metric(metric).shown(now.best)} at step {now.best_step}"
    )
    how = {
        "early": "validation no longer improves",
        "interrupted": "saved: run the same command with --resume to go on",
    }
    return f"stopped at step {now.step} after {now.seconds:.0f} s ({how.get(now.stopped, now.stopped)}){best}"
