"""How does a recipe of a learned optimizer become a run, and the run a test result? As those of learners do.

The run folder holds run.json, the latest state and metrics.jsonl as any other, and rule.json, the trained rule, which
`load_rule` reads: `AsTorchOptimizer(model.parameters(), load_rule(folder / "rule.json"))` trains a model of one's own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch

from fewsight import recipes
from fewsight.errors import RunError
from fewsight.inner import LearnedOptimizer
from fewsight.inner.families import FAMILIES, Family
from fewsight.inner.names import LEARNED
from fewsight.recipes import RuleRecipe
from fewsight.recipes.schema import Part
from fewsight.training.interrupt import Interrupt
from fewsight.training.metrics import MetricsLog
from fewsight.training.progress import Progress
from fewsight.training.rules.evolution import persistent
from fewsight.training.rules.race import VALIDATION, Race, race
from fewsight.training.rules.training import RuleTraining, load_rule, save_rule
from fewsight.training.rules.truncated import Estimator, truncated
from fewsight.training.run import Run
from fewsight.training.scoring import seeded
from fewsight.training.state import Fit

RULE = "rule.json"
TESTED = ("unseen", "training.steps")
"""What of a recipe a test can be given otherwise."""
ESTIMATORS: dict[str, Estimator] = {
    "truncated": truncated,
    "first_order": partial(truncated, first_order=True),
    "persistent": persistent(),
}


def train_rule(
    recipe: RuleRecipe, out: str | Path, *, resume: bool = False, progress: bool = True, command: str = ""
) -> tuple[Run, Fit]:
    """Carry out `recipe` in the run folder `out`.

    Args:
        resume: go on with what is in `out`, if anything is; its recipe must be the same.
        command: the command line that reproduces the run, stored in it.

    Raises:
        RunError: see `Run.create`; or the run cannot be written.
    """
    run, asked = Run.create(out, recipe=recipe, command=command, resume=resume), recipe.training
    training = RuleTraining(
        built(recipe),
        family(recipe.problems),
        episodes=asked.episodes,
        steps=asked.steps,
        unroll=asked.unroll,
        lr=asked.lr,
        seed=asked.seed,
        estimator=ESTIMATORS[asked.estimator],
        validation=family(recipe.problems, asked.validate_problems)(torch.Generator().manual_seed(VALIDATION)),
    )
    earlier = 0.0
    if saved := run.latest():
        training.unpack(saved["training"])
        earlier = saved["seconds"]
    started, stopped = time.perf_counter(), "" if training.episode < asked.episodes else "finished"
    with ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt())
        log = stack.enter_context(MetricsLog(run.folder, training.episode))
        display = stack.enter_context(Progress(asked.episodes, training.episode, None, progress))
        while not stopped:
            losses = training.advance()
            loss = float(losses.mean())
            display.step(training.episode, len(losses), loss)
            log.write(training.episode, loss=loss)
            if training.episode == asked.episodes:
                stopped = "finished"
            elif interrupt.requested:
                stopped = "interrupted"
            if stopped or training.episode % asked.checkpoint_every == 0:
                run.save({"training": training.pack(), "seconds": earlier + time.perf_counter() - started})
    if stopped == "finished":
        training.finish()
        save_rule(run.folder / RULE, training.rule)
    seconds = earlier + time.perf_counter() - started
    return run, Fit(training.episode, seconds, training.best, training.best_episode, stopped=stopped)


def evaluate_rule(run: Run, problems: int = 40, overrides: Sequence[str] = ()) -> Race:
    """Let the optimizer of `run` race hand-made ones on problems that its recipe calls unseen; see `race`.

    Args:
        overrides: other unseen problems, "unseen.layers=[3]", or other lengths, "steps=200".

    Raises:
        RecipeError: an unknown setting, or one that is not of the test.
        RunError: its training has not ended.
    """
    recipe = run.experiment
    assert isinstance(recipe, RuleRecipe)
    recipe = recipes.override(recipe, overrides, TESTED)
    if not (run.folder / RULE).exists():
        raise RunError(f"{run.folder} has no {RULE} yet: its training has not ended; resume it")
    found = race(
        load_rule(run.folder / RULE),
        built(recipe),
        family(recipe.unseen),
        problems=problems,
        steps=recipe.training.steps,
    )
    found.protocol.update({"recipe": recipe.name, "problem": _shown(recipe.unseen)})
    return found


def built(recipe: RuleRecipe) -> LearnedOptimizer:
    """The rule before training."""
    with seeded(recipe.training.seed, "rule"):
        return LEARNED[recipe.rule.name](**recipe.rule.settings)


def family(part: Part, batch: int | None = None) -> Family:
    """The problems that a recipe names, `batch` in each draw if given."""
    return FAMILIES[part.name](**part.settings | ({} if batch is None else {"batch": batch}))


def _shown(part: Part) -> str:
    return " ".join([part.name, *(f"{name}={value}" for name, value in part.settings.items())])
