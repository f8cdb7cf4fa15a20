"""How much of a figure on assays is memory of molecules? A run with `network.profile`, with and without its profile.

    python benchmarks/molecule_memory.py RUN [RUN ...] [--data DIR] [--tasks 90] [--write benchmarks/molecule_memory.md]

The profile alone was never meta-trained: prototypes of what the training assays said of the molecules most like each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tables import plus_minus, runs_parser
from torch import Tensor, nn

from fewsight.learners import ProtoNet
from fewsight.networks.profile import Profiled
from fewsight.training import Run
from fewsight.training.evaluate import evaluate
from fewsight.training.experiment import episodes
from fewsight.tree import Tree


class Part(nn.Module):
    """Some of the features of a network."""

    def __init__(self, network: nn.Module, places: slice) -> None:
        super().__init__()
        self.network, self.places = network, places

    def forward(self, x: Tree) -> Tensor:
        features: Tensor = self.network(x)[:, self.places]
        return features


def figures(run: Run, data: Path | None, tasks: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """Metric, what the model had, and the figures of all tasks."""
    learner, domain = run.learner(), run.domain(data)
    network = learner.network
    if not (isinstance(learner, ProtoNet) and isinstance(network, Profiled)):
        raise SystemExit(f"{run.folder} has no profile: train with network.profile=32")
    drawn = episodes(run.recipe, domain, "test", run.recipe.test)
    learned = network.out_features - network.features
    parts = {"encoder": slice(learned), "profile": slice(learned, None), "both": slice(None)}
    for name, places in parts.items():
        only = ProtoNet(Part(network, places)).eval()
        for metric, scores in evaluate(only, drawn, tasks, baselines={}, metrics=domain.metrics).scores.items():
            yield metric, name, np.asarray(scores["learner"])


def main() -> None:
    arguments = runs_parser(__doc__, 90).parse_args()
    torch.set_num_threads(1)
    lines = ["| run | protocol | seed | metric | features | figure |", "|---|---|---:|---|---|---:|"]
    for folder in arguments.runs:
        run = Run.open(folder)
        about = f"{run.recipe.name} | {run.recipe.domain.settings['protocol']} | {run.recipe.training.seed}"
        found = list(figures(run, arguments.data, arguments.tasks))
        lines += [f"| {about} | {metric} | {name} | {plus_minus(values, 3)} |" for metric, name, values in found]
        print(*lines[-len(found) :], sep="\n", flush=True)
    if arguments.write:
        arguments.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
