"""Does the token that occlusion names decide? It is deleted, or a random one: does the answer stay?

    python benchmarks/text_tokens.py RUN [RUN ...] [--data DIR] [--tasks 300] [--write benchmarks/text_tokens.md]

Tasks of the test classes, 5-way, one query each, of two tokens or more. A deleted token is hidden in the mask.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from tables import plus_minus, runs_parser

from fewsight import explain, tree
from fewsight.domains.episodes import generator
from fewsight.learner import Model
from fewsight.training import Run
from fewsight.training.experiment import episodes
from fewsight.tree import Tree

WAYS = 5
KINDS = ("occlusion", "integrated_gradients", "saliency")


def answers(model: Model, query: Tree, masks: torch.Tensor) -> np.ndarray:
    """The predicted class under each mask `(M, L)`."""
    many = tree.tree_map(lambda leaf: leaf.expand(len(masks), *leaf.shape[1:]), query) | {"mask": masks}
    with torch.no_grad():
        return model(many).argmax(-1).numpy()


def figures(run: Run, data: Path | None, tasks: int, shots: int) -> dict[str, np.ndarray]:
    """By what is deleted: whether the answer stays, `(tasks,)`."""
    recipe, learner = run.recipe, run.learner()
    shape = recipe.test.model_copy(update={"ways": WAYS, "shots": shots, "queries": 4})
    drawn = episodes(recipe, run.domain(data), "test", shape)
    kept = defaultdict(list)
    for index in range(tasks):
        task, rng = drawn[index], generator(recipe.training.seed, "deleted token", index)
        candidates = np.flatnonzero(task.query["size"].numpy() > 1)
        query = tree.take(task.query, torch.tensor([int(rng.choice(candidates))]))
        size, model = int(query["size"]), learner.adapt(task.support)
        without = query["mask"] - torch.eye(query["mask"].shape[1])[:size]
        before = answers(model, query, query["mask"])[0]
        stays = answers(model, query, without) == before
        analysis = explain(learner, task.support, query, what=KINDS, checks=False)
        for kind in KINDS:
            found = np.asarray(analysis[kind].values, dtype=float).reshape(-1)[:size]
            kept[f"top token by {kind.replace('_', ' ')}"].append(stays[found.argmax()])
        kept["a random token"].append(stays[int(rng.integers(size))])
        kept["mean over all tokens"].append(stays.mean())
        kept["no token changes it"].append(stays.all())
    return {name: np.array(values, dtype=float) for name, values in kept.items()}


def main() -> None:
    arguments = runs_parser(__doc__, 300).parse_args()
    torch.set_num_threads(1)
    lines = [
        f"{WAYS}-way, {arguments.tasks} tasks of the test classes, one query each; share of answers kept, 95 %.",
        "",
        "| run | seed | shots | deleted | answers kept |",
        "|---|---:|---:|---|---:|",
    ]
    for folder in arguments.runs:
        run = Run.open(folder)
        about = f"{run.recipe.name} | {run.recipe.training.seed}"
        for shots in (1, 5):
            for name, values in figures(run, arguments.data, arguments.tasks, shots).items():
                lines.append(f"| {about} | {shots} | {name} | {plus_minus(values, 2)} |")
            print(*lines[-6:], sep="\n", flush=True)
    if arguments.write:
        arguments.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
