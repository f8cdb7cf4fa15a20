"""Which simple surrogate stands in for the adapted model around a query? A line, a tree, a list of rules.

    python benchmarks/surrogates.py RUN [RUN ...] [--data DIR] [--tasks 30] [--write benchmarks/surrogates.md]

One query of each test task of the run's own shape; the target is the contrast of the predicted class with the
runner-up. Each surrogate is fitted to 512 changed queries (a random half of the parts hidden) and judged by 10-fold
cross-validation. Means over tasks with their 95 % intervals. Seconds a task.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from tables import plus_minus, runs_parser

from fewsight import tree as trees
from fewsight.explain import Case
from fewsight.explain.rule_list import rule_list
from fewsight.explain.shallow_tree import tree
from fewsight.explain.sparse_linear import FEATURES, sparse_linear
from fewsight.explain.target import parse
from fewsight.training import Run
from fewsight.training.experiment import episodes

COLUMNS = ("line", "tree", "rules", "one rule", "number of rules", "agreement of the rules", "always the same")


def measured(case: Case) -> dict[str, float]:
    """Every column for one query; held-out R2 where nothing else is said."""
    rules = rule_list(case)
    judged = {measure.name: measure for measure in rules.fidelity}
    agreement = judged["held-out agreement"]
    return {
        "line": sparse_linear(case).fidelity[0].value,
        "tree": tree(case).fidelity[0].value,
        "rules": judged["held-out R2"].value,
        "one rule": judged["held-out R2 of one rule"].value,
        "number of rules": len(rules.provenance["rules"]) - 1,
        "agreement of the rules": agreement.value,
        "always the same": float(agreement.meaning.split()[-1]),
    }


def row(run: Run, data: Path | None, tasks: int) -> str:
    learner, drawn = run.learner(), episodes(run.recipe, run.domain(data), "test", run.recipe.test)
    found: dict[str, list[float]] = defaultdict(list)
    for index in range(tasks):
        task = drawn[index]
        support, query = task.support, trees.take(task.query, slice(1))
        with torch.no_grad():
            target = parse(("contrast",), support, learner(support, query)[0])
        names = tuple(f"support {i}" for i in range(support.size))
        for column, value in measured(Case(learner, support, query, target, names, index)).items():
            found[column].append(value)
    cells = " | ".join(plus_minus(np.array(found[column]), 2) for column in COLUMNS)
    return f"| {run.recipe.name} | {cells} |"


def main() -> None:
    arguments = runs_parser(__doc__, 30).parse_args()
    torch.set_num_threads(1)
    lines = [
        f"One query of each of {arguments.tasks} test tasks, 512 changed queries each. Held-out R2 of a line of at",
        f"most {FEATURES} features, of a tree of 3 questions in a row, of a list of at most 5 rules of at most 2",
        "conditions, of a list of one rule; how often the rules say on which side of 0 the contrast is.",
        "Means and their 95 % intervals.",
        "",
        "| run | " + " | ".join(COLUMNS) + " |",
        "|---|" + "---:|" * len(COLUMNS),
    ]
    for folder in arguments.runs:
        lines.append(row(Run.open(folder), arguments.data, arguments.tasks))
        print(lines[-1], flush=True)
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
