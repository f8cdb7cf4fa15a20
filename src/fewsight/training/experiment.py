"""How does a recipe become a trained run, and a run a test result? The commands `train` and `evaluate`, in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path

from fewsight import recipes
from fewsight.device import AUTO, at_hand
from fewsight.domains import DOMAINS, Domain, Episodes, GivenDomain, format_record, open_domain
from fewsight.errors import DataError, RecipeError
from fewsight.experience import Experience
from fewsight.recipes import Recipe, build
from fewsight.recipes.schema import Shape
from fewsight.training import record
from fewsight.training.engine import StepResult
from fewsight.training.evaluate import evaluate
from fewsight.training.fit import fit
from fewsight.training.report import Report
from fewsight.training.run import Run
from fewsight.training.start import begin_with
from fewsight.training.state import Fit

CHANGED = "the data, or how it is read, changed since the training: some of what was tested may have been trained on"


def train(
    recipe: Recipe,
    out: str | Path,
    data: str | Path | None = None,
    *,
    device: str = AUTO,
    resume: bool = False,
    progress: bool = True,
    command: str = "",
    on_step: Callable[[int, StepResult], None] | None = None,
) -> tuple[Run, Fit]:
    """Carry out `recipe` in the run folder `out`.

    Args:
        data: the data directory.
        device: where to train; "auto" takes the fastest that is at hand (see `fit`).
        resume: go on with what is in `out`, if anything is; its recipe and data must be the same.
        command: the command line that reproduces the run, stored in it.

    Raises:
        RecipeError, DataError, RunError: see `open_domain`, `Run.create` and `fit`.
    """
    domain = open_domain(recipe.domain.name, None if data is None else Path(data), **recipe.domain.settings)
    learner = build(recipe, domain)
    begun = {} if recipe.training.start is None else {"start": begin_with(learner, recipe.training.start)}
    training = episodes(recipe, domain, "train", recipe.train)
    validation = episodes(recipe, domain, "val", recipe.test) if "val" in domain.splits else None
    for tasks in filter(None, (training, validation)):
        learner.check(tasks[0].support)  # before anything is written
    run = Run.create(out, recipe=recipe, domain=domain, command=command, resume=resume)
    run.note(
        **begun,
        protocol={
            "train": recipe.train.model_dump(),
            "test": recipe.test.model_dump(),
            "transductive": learner.transductive,
            "label_order_matters": learner.label_order_matters,
        },
    )
    settings = recipe.training.model_dump(exclude={"start"})
    return run, fit(
        learner,
        training,
        validation=validation,
        run=run,
        metric=next(iter(domain.metrics), None),
        device=device,
        progress=progress,
        on_step=on_step,
        **settings,
    )


def evaluate_run(
    run: Run,
    data: str | Path | None = None,
    *,
    tasks: int = 600,
    ways: int | None = None,
    shots: int | None = None,
    queries: int | None = None,
    split: str = "test",
    domain: str | None = None,
    device: str = "cpu",
    overrides: Sequence[str] = (),
) -> Report:
    """Test the learner of `run` on tasks of classes it never saw.

    Args:
        ways, shots, queries: shape of the tasks where it shall differ from the recipe's.
        domain: another domain than the one it was trained on; see `opened_for`. The protocol then says cross-domain.
        device: where the learner adapts; baselines run on the processor. "auto" takes a GPU where there is one.
        overrides: settings of adaptation to change, "inner_steps=10".

    Raises:
        RecipeError, DataError, RunError: see `open_domain`, `Run.learner` and `evaluate`.
    """
    recipe, learner = run.recipe, run.learner(overrides).to(at_hand(device)[-1])
    elsewhere = domain is not None and domain != recipe.domain.name
    place = opened_for(run, domain, data) if domain is not None and elsewhere else run.domain(data)
    if ways is not None and (place.outputs is not None or isinstance(place, GivenDomain)):
        raise RecipeError(f"the tasks of domain {place.name!r} bring their own classes or values: leave out --ways")
    asked = {"ways": ways, "shots": shots, "queries": queries}
    shape = recipe.test.model_copy(update={name: value for name, value in asked.items() if value is not None})
    protocol = {
        "recipe": recipe.name,
        "learner": recipes.override(recipe, overrides).learner.settings,
        "trained with": run.info.get("strategy"),
    }
    if start := run.info.get("start"):
        protocol["network begun with"] = f"{start['recipe']} on {start['domain']['name']}"
    if elsewhere:
        protocol["cross-domain"] = f"trained on {recipe.domain.name}, tested on {place.name}"
    found = evaluate(
        learner,
        episodes(recipe, place, split, shape),
        tasks,
        baselines=place.baselines,
        metrics=place.metrics,
        protocol=protocol,
    )
    same = elsewhere or place.fingerprint == run.info["domain"]["fingerprint"]
    changed = () if same else (CHANGED,)
    return replace(found, notes=(*found.notes, *place.notes, *changed))


def opened_for(run: Run, name: str, data: str | Path | None = None) -> Domain:
    """The domain `name`, opened so that it serves inputs as the model of `run` sees them (images in its size).

    Raises:
        RecipeError: no such domain, or its inputs cannot be had in that way.
        DataError: as `open_domain` and `Run.format`.
    """
    wanted = run.format.to_json()
    taken = signature(DOMAINS[name]).parameters if name in DOMAINS else {}
    settings = {key: value for key, value in wanted.items() if key in taken}
    domain = open_domain(name, None if data is None else Path(data), **settings)
    found = format_record(domain.format) or {}
    for key, value in (format_record(run.format) or {}).items():
        if key not in DRAWN and found.get(key) != value:
            raise RecipeError(
                f"domain {name!r} serves inputs with {key} {found.get(key)!r}, but the model of {run.folder} sees "
                f"{key} {value!r}: choose a domain of that kind, or train for it"
            )
    return domain


DRAWN = frozenset({"strokes"})
"""Settings of a format that say what its inputs show, not how they are laid out."""


def experience(run: Run, data: str | Path | None = None) -> Experience:
    """What the run of a recipe recorded of its meta-training, with the tasks themselves where the data can be opened.

    Raises:
        RunError: nothing was recorded, or the training has not ended.
    """
    try:
        train = episodes(run.recipe, run.domain(data), "train", run.recipe.train)
    except DataError:
        train = None
    return record.experience(run, train)


def episodes(recipe: Recipe, domain: Domain, split: str, shape: Shape) -> Episodes:
    """The tasks of a split, by the recipe's seed."""
    family = domain.family(split, ways=shape.ways, shots=shape.shots, queries=shape.queries)
    return Episodes(family, recipe.training.seed, split)
