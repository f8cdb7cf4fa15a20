"""Is "none of these" said rightly? CLINC150's out-of-scope sentences among queries of unseen intents.

    python benchmarks/out_of_scope.py RUN [RUN ...] [--data DIR] [--tasks 600] [--write benchmarks/out_of_scope.md]

The rejection is calibrated on 6-way tasks of the validation intents (the sixth plays the outsider) to reject 5 % of
the queries that belong; no out-of-scope sentence is seen then. Tested on 5-way tasks of the test intents, with 15
queries of each intent and as many out-of-scope sentences. AUROC within each task, mean over tasks. Beside it: the
highest cosine to a centroid of TF-IDF rows.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from tables import plus_minus, runs_parser

from fewsight import tree
from fewsight.domains.episodes import generator
from fewsight.domains.texts.clinc import out_of_scope
from fewsight.domains.texts.lexical import lexical_baselines
from fewsight.rejection import auroc, calibrate
from fewsight.task import Task
from fewsight.training import Run
from fewsight.training.experiment import episodes

WAYS, QUERIES, RATE = 5, 15, 0.05
LEXICAL = "centroid on TF-IDF"


def figures(run: Run, data: Path | None, tasks: int, shots: int) -> tuple[str, dict[str, np.ndarray]]:
    """How it was calibrated, and figures of each task `(tasks,)`."""
    recipe, domain, learner = run.recipe, run.domain(data), run.learner().eval()
    shape = recipe.test.model_copy(update={"ways": WAYS + 1, "shots": shots, "queries": QUERIES})
    found = calibrate(learner, episodes(recipe, domain, "val", shape), 200, RATE)
    drawn = episodes(recipe, domain, "test", shape.model_copy(update={"ways": WAYS}))
    outsiders = out_of_scope(domain.format, "test", data)  # type: ignore[arg-type]
    lexical = lexical_baselines()[LEXICAL]
    values = defaultdict(list)
    for index in range(tasks):
        task, rng = drawn[index], generator(recipe.training.seed, "out of scope", index)
        picked = torch.from_numpy(rng.choice(tree.length(outsiders), len(task.target), replace=False))
        strangers = tree.take(outsiders, picked)
        with torch.no_grad():
            model = learner.adapt(task.support)
            inside, outside = (found.belonging(model(each).double()).numpy() for each in (task.query, strangers))
        values["AUROC"].append(auroc(inside, outside))
        values["wrongly rejected"].append((inside < found.threshold).mean())
        values["out-of-scope rejected"].append((outside < found.threshold).mean())
        cosine = [
            lexical(Task(task.support, each, task.target)).amax(-1).numpy()  # type: ignore[union-attr]
            for each in (task.query, strangers)
        ]
        values["AUROC of TF-IDF"].append(auroc(*cosine))
    return found.measure, {name: np.array(each) for name, each in values.items()}


def main() -> None:
    arguments = runs_parser(__doc__, 600).parse_args()
    torch.set_num_threads(1)
    lines = [
        f"{WAYS}-way, {arguments.tasks} tasks of test intents; {RATE:.0%} to be rejected wrongly; 95 % intervals.",
        "",
        "| run | shots | measure | AUROC | wrongly rejected | out-of-scope rejected | AUROC of TF-IDF |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for folder in arguments.runs:
        run = Run.open(folder)
        for shots in (1, 5):
            measure, values = figures(run, arguments.data, arguments.tasks, shots)
            cells = " | ".join(plus_minus(each, 3) for each in values.values())
            lines.append(f"| {run.recipe.name} | {shots} | {measure} | {cells} |")
            print(lines[-1], flush=True)
    if arguments.write:
        arguments.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
