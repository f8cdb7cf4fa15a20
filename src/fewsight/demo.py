"""What can this do, in two minutes and without a download? Three learners, digits never trained on, and one page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from fewsight import recipes
from fewsight.domains import Episodes, open_domain
from fewsight.explain import Analysis, explain
from fewsight.learner import Learner
from fewsight.report import write_page
from fewsight.task import Task
from fewsight.training import Report, evaluate_run, train

RECIPES = ("digits-protonet", "digits-matching", "digits-maml")
TASKS = 100
SHOTS = 5
BUDGET = 12.0
"""Seconds for the explanation: the whole demo shall stay under two minutes."""


def demo(out: Path, say: Callable[[str], None], *, progress: bool = True) -> Path:
    """Train the digit recipes into `out`, test them with baselines, explain one prediction; the page's path.

    Args:
        say: takes each line of the account.

    Raises:
        RunError: `out` holds something else.
    """
    say("Meta-training on digits 0-4 and classes made of them. Digits 5-9 stay unseen until the test.\n")
    for name in RECIPES:
        recipe = recipes.load(name)
        assert isinstance(recipe, recipes.Recipe)
        say(f"{name}: {recipe.about}")
        run, _ = train(recipe, out / name, resume=True, progress=progress, command=f"fewsight train {name}")
        say(summary(evaluate_run(run, tasks=TASKS, shots=SHOTS)) + "\n")
        if name == RECIPES[0]:
            learner = run.learner()
    return explain_one(learner, out / "page.html", say)


def summary(report: Report) -> str:
    """One line for each method: mean and 95 % interval on the same tasks."""
    first = [line for line in report.table().splitlines() if not line.startswith(("protocol", "note"))]
    return "\n".join("  " + line for line in first)


def explain_one(learner: Learner, path: Path, say: Callable[[str], None]) -> Path:
    """Explain the first query of the first test task and write the page."""
    domain = open_domain("digits")
    task = Episodes(domain.family("test", ways=5, shots=SHOTS, queries=1), 0, "demo")[0]
    analysis = explain(learner, task.support, task.query[:1], names=_names(task), budget_seconds=BUDGET)
    say(verdict(analysis))
    shown = images(task)
    return write_page(
        analysis,
        path,
        support_views=shown[:-1],
        query_view=shown[-1],
        command="fewsight demo",
        title="A digit the model had never seen",
        protocol={"ways": 5, "shots": SHOTS, "classes": "digits 5 to 9, none of them seen in meta-training"},
    )


def verdict(analysis: Analysis) -> str:
    """The prediction, how sure, and which checks failed, in a few lines."""
    if analysis.task == "regression":
        lines = [f"prediction: {analysis.scores[analysis.predicted]:.4g}"]
    else:
        label = analysis.labels[analysis.predicted]
        lines = [f"prediction: {label} ({analysis.probabilities[analysis.predicted]:.1%})"]
    lines += [f"caveat: {caveat}" for caveat in analysis.caveats]
    lines += [f"flagged: {kind}: {'; '.join(failed)}" for kind, failed in analysis.failures.items()]
    return "\n".join([*lines, f"{len(analysis)} explanations, {len(analysis.failures)} of them flagged"])


def images(task: Task) -> list[np.ndarray]:
    """The support images and the first query as uint8 pictures `(H, W)`."""
    pixels = [*task.support.x, task.query[0]]
    return [(255 * image[0]).round().byte().numpy() for image in pixels]


def _names(task: Task) -> list[str]:
    assert task.support.labels is not None
    seen: dict[int, int] = {}
    names = []
    for label in task.support.y.tolist():
        seen[label] = seen.get(label, 0) + 1
        names.append(f"{task.support.labels[label]} no. {seen[label]}")
    return names
