"""How true are influence, path and Shapley values of support examples on trained learners? Measured on many tasks.

    python benchmarks/fidelity.py RUN [RUN ...] [--data DIR] [--shots 1 2] [--tasks 50] [--write benchmarks/fidelity.md]

Tasks of the test classes, 5-way, one query each; the target is the margin of the predicted class. In every task the
learner adapts again on all 2^K subsets of the support, which gives exact leave-one-out, Shapley values and the linear
datamodelling score (LDS). Means over tasks with their 95 % intervals. About 1 s for each task of a metric learner with
K = 10, 1 to 2 minutes for MAML on Conv4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tables import plus_minus, runs_parser

from fewsight.explain import Case, controls, fidelity
from fewsight.explain.influence import influence
from fewsight.explain.path import path
from fewsight.explain.subsets import shapley
from fewsight.explain.target import parse
from fewsight.task import Task
from fewsight.training import Run
from fewsight.training.experiment import episodes

WAYS = 5
CONTROLLED = 5
"""Support examples up to which Shapley values have controls: each of them takes as long as the exact values."""
KINDS = {"influence (A3)": influence, "path (A4)": path, "Shapley (A5)": shapley}
COLUMNS = {
    "rho with leave-one-out": "rank correlation with exact leave-one-out (drop)",
    "rho with Shapley": "rank correlation with exact Shapley values",
    "LDS": "linear datamodelling score over all subsets",
    "deletion": "deletion of support examples against random order",
    "insertion": "insertion of support examples against random order",
    **{f"control: {name}": f"control: {text}" for name, text in controls.NAMES.items()},
}


def measured(case: Case, draw: int) -> dict[str, dict[str, float]]:
    """Every column of every kind on one task."""
    found = {}
    for name, kind in KINDS.items():
        explanation = kind(case)
        measures = list(fidelity.of_support(case, explanation))
        if name.startswith("influence"):
            exact = shapley(case).values
            measures.append(fidelity.agreement("exact Shapley values", explanation.values, exact, held=False))
        for control in controls.NAMES if kind is not shapley or case.support.size <= CONTROLLED else ():
            again = kind(controls.variant(case, control, draw).toward(case.target))
            measures.append(controls.compare(case, explanation, [again], control))
        by_name = {measure.name: measure.value for measure in measures}
        found[name] = {column: by_name.get(of, np.nan) for column, of in COLUMNS.items()}
    return found


def one_query(task: Task, learner: torch.nn.Module, index: int) -> Case:
    support, query = task.support, task.query[:1]
    with torch.no_grad():
        target = parse(None, support, learner(support, query)[0])
    return Case(learner, support, query, target, tuple(f"support {i}" for i in range(support.size)), index)


def rows(run: Run, data: Path | None, shots: int, tasks: int, say: Callable[[str], None]) -> list[str]:
    recipe, learner = run.recipe, run.learner()
    shape = recipe.test.model_copy(update={"ways": WAYS, "shots": shots, "queries": 1})
    drawn = episodes(recipe, run.domain(data), "test", shape)
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for index in range(tasks):
        for kind, columns in measured(one_query(drawn[index], learner, index), index).items():
            for column, value in columns.items():
                found[kind][column].append(value)
        if index % 10 == 9:
            say(f"{recipe.name}, {shots}-shot: {index + 1} of {tasks} tasks")
    lines = []
    for kind, columns in found.items():
        cells = " | ".join(plus_minus(np.array(columns[column]), 2) for column in COLUMNS)
        lines.append(f"| {recipe.learner.name} | {shots} | {kind} | {cells} |")
    return lines


def main() -> None:
    parser = runs_parser(__doc__, 50)
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        f"{WAYS}-way, {arguments.tasks} tasks of the test classes, one query each; means and their 95 % intervals.",
        "",
        "| learner | shots | explanation | " + " | ".join(COLUMNS) + " |",
        "|---|---:|---|" + "---:|" * len(COLUMNS),
    ]
    for folder in arguments.runs:
        run = Run.open(folder)
        for shots in arguments.shots:
            lines += rows(run, arguments.data, shots, arguments.tasks, lambda text: print(text, flush=True))
            if arguments.write:
                arguments.write.write_text("\n".join([*lines, ""]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
