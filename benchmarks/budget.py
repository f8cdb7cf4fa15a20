"""Does `explain` keep to its `budget_seconds`? What was asked and what it took, on four trained learners.

    python benchmarks/budget.py [--data DIR] [--runs DIR] [--write benchmarks/budget.md]

Trains short runs into DIR (kept, and used again), asks for the default analysis of one test query with its checks, and
counts what was made, checked and left out for time. The seconds include the prediction. A busy machine makes less in
the same time: the seconds of the processor say how busy it was.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from fewsight import explain, recipes, tree
from fewsight.explain import Analysis
from fewsight.training import train
from fewsight.training.experiment import episodes, experience

BUDGETS = (1.0, 4.0, 15.0, 60.0)


class Made(NamedTuple):
    """A recipe with other settings, by section."""

    title: str
    recipe: str
    changes: dict[str, dict[str, Any]]


MADE = (
    Made("digits ProtoNet", "digits-protonet", {"training": {"steps": 200}}),
    Made("digits MAML", "digits-maml", {"training": {"steps": 40}}),
    Made(
        "digits Meta-SGD, recorded",
        "digits-maml",
        {"learner": {"name": "meta-sgd", "inner_steps": 2}, "training": {"steps": 40, "record": 8}},
    ),
    Made("heart disease MAML, recorded", "heart-disease", {"training": {"steps": 40, "record": 8}}),
)


def question(made: Made, folder: Path, data: Path | None) -> tuple[Any, ...]:
    """The learner of a scene, the support and one query of its first test task, and the record of its training."""
    record = recipes.load(made.recipe).model_dump(mode="json", exclude={"results"})
    for section, settings in made.changes.items():
        kept = {} if section == "learner" else record[section]
        record[section] = kept | settings
    recipe = recipes.parse(record, made.recipe)
    run, _ = train(recipe, folder / made.title.replace(" ", "-").replace(",", ""), data, resume=True, progress=False)
    task = episodes(recipe, run.domain(data), "test", recipe.test)[0]
    known = experience(run, data) if recipe.training.record else None
    return run.learner(), task.support, tree.take(task.query, slice(0, 1)), known


def row(title: str, budget: float, taken: float, processor: float, analysis: Analysis) -> str:
    late = [name for name, why in analysis.left_out.items() if "budget_seconds" in why and " of " not in name]
    verified = sum(bool(each.fidelity or each.controls) for each in analysis.values())
    return f"| {title} | {budget:.0f} | {taken:.1f} | {processor:.1f} | {len(analysis)} | {verified} | {len(late)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="data directory (default: $FEWSIGHT_DATA)")
    parser.add_argument("--runs", type=Path, default=Path("runs/budget"), help="where the runs are, or go")
    parser.add_argument("--write", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        f"Default analyses with checks, one thread, torch {torch.__version__}; 25 images of digits or 10 patients.",
        "Left out for time are kinds, not checks.",
        "",
        "| learner | seconds asked | taken | of the processor | kinds made | with checks | kinds left out for time |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for made in MADE:
        learner, support, query, known = question(made, arguments.runs, arguments.data)
        for budget in BUDGETS:
            started, before = time.perf_counter(), time.process_time()
            analysis = explain(learner, support, query, experience=known, budget_seconds=budget)
            taken, processor = time.perf_counter() - started, time.process_time() - before
            lines.append(row(made.title, budget, taken, processor, analysis))
            print(lines[-1], flush=True)
    table = "\n".join(lines)
    if arguments.write:
        arguments.write.write_text(table + "\n")
    else:
        print(table)


if __name__ == "__main__":
    main()
