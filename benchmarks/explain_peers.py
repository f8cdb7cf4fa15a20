"""The same game and the same query in Captum, SHAP and fewsight: who is right, and how long does it take?

    python benchmarks/explain_peers.py [--write benchmarks/explain_peers.md]

The game: which support examples of an adapted learner are present; what it earns: the margin of the predicted class.
Captum and SHAP are given it as a function of a 0/1 vector that adapts again for each row. Everything runs interleaved
in one process on one thread; medians. Needs captum and shap. About 5 minutes, nearly all of it Captum's exact values.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import captum
import numpy as np
import shap
import torch
from captum.attr import IntegratedGradients, Occlusion, Saliency, ShapleyValues, ShapleyValueSampling
from torch import Tensor, nn

from fewsight.explain import Case
from fewsight.explain.query import integrated_gradients, occlusion, saliency
from fewsight.explain.subsets import shapley
from fewsight.explain.target import parse
from fewsight.learner import Learner
from fewsight.learners import MAML, ProtoNet
from fewsight.networks import MLP, Conv4
from fewsight.task import Support

Values = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Workload:
    title: str
    learner: Learner
    shape: tuple[int, ...]
    exact_captum: bool


def case(learner: Learner, shape: tuple[int, ...], size: int) -> Case:
    generator = torch.Generator().manual_seed(size)
    ways = size // 2
    x, query = torch.randn(size, *shape, generator=generator), torch.randn(1, *shape, generator=generator)
    support = Support.of(x, torch.arange(ways).repeat_interleave(2))
    with torch.no_grad():
        target = parse(None, support, learner(support, query)[0])
    return Case(learner, support, query, target, tuple(f"support {i}" for i in range(size)))


def contenders(asked: Case, exact_captum: bool) -> dict[str, Values]:
    """Ways to Shapley values of the support examples, by name."""
    size = asked.support.size

    def earn(masks: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.stack([asked.value(mask, drop=True) for mask in masks])

    ones, zeros = torch.ones(1, size), torch.zeros(1, size)
    found: dict[str, Values] = {
        "fewsight, exact": lambda: shapley(replace(asked, known={}, costs={})).values,
        "SHAP, exact": lambda: (
            shap.explainers.Exact(
                lambda rows: earn(torch.from_numpy(rows).float()).numpy(), shap.maskers.Independent(zeros.numpy())
            )(ones.numpy(), silent=True)
            .values[0]
            .astype(float)
        ),
        "Captum, sampling (25 orders)": lambda: (
            ShapleyValueSampling(earn).attribute(ones, zeros, n_samples=25)[0].double().numpy()
        ),
    }
    if exact_captum:
        found["Captum, exact"] = lambda: ShapleyValues(earn).attribute(ones, zeros)[0].double().numpy()
    return found


def timed(values: Values) -> tuple[np.ndarray, float]:
    started = time.perf_counter()
    found = values()
    return found, time.perf_counter() - started


def game_rows(workload: Workload, size: int, rounds: int) -> list[str]:
    asked = case(workload.learner, workload.shape, size)
    ways = contenders(asked, workload.exact_captum and size <= 6)
    truth = ways["fewsight, exact"]()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, np.ndarray] = {}
    for turn in range(rounds):
        for name, way in ways.items():
            if turn == 0 or name != "Captum, exact":  # minutes, and the same each time
                found[name], took = timed(way)
                seconds[name].append(took)
    ours = median(seconds["fewsight, exact"])
    rows = []
    for name in ways:
        error = np.abs(found[name] - truth).max() / np.abs(truth).max()
        took = median(seconds[name])
        rows.append(f"| {workload.title}, K = {size} | {name} | {took * 1e3:.1f} | {took / ours:.1f} | {error:.0e} |")
    return rows


def query_rows(workload: Workload) -> list[str]:
    """Query attribution beside Captum's on a frozen copy of the adapted model, the same settings."""
    asked = case(workload.learner, workload.shape, 10)
    model = asked.model

    def score(x: Tensor) -> Tensor:
        return asked.target(model(x).double())

    x = asked.query
    side = max(1, round(max(workload.shape[1:]) / 7)) if len(workload.shape) == 3 else 1
    window = (workload.shape[0], side, side) if len(workload.shape) == 3 else (1,)
    pairs = {
        "saliency": (lambda: saliency(asked).values, lambda: Saliency(score).attribute(x, abs=False)),
        "integrated gradients, 16 nodes": (
            lambda: integrated_gradients(asked, nodes=16, panels=1).values,
            lambda: IntegratedGradients(score).attribute(x, n_steps=16, method="gausslegendre"),
        ),
        "occlusion": (
            lambda: occlusion(asked).values,
            lambda: Occlusion(score).attribute(x, sliding_window_shapes=window, strides=window),
        ),
    }
    rows = []
    for name, (ours, theirs) in pairs.items():
        mine, took = timed(ours)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Captum warns that it asks the query for gradients
            other, took_theirs = timed(lambda theirs=theirs: theirs().detach()[0].double().numpy())
        if name == "occlusion" and len(workload.shape) == 3:  # Captum spreads a patch's value over its pixels
            other = other[0, ::side, ::side]
        apart = np.abs(mine - other).max() / np.abs(other).max()
        rows.append(f"| {workload.title} | {name} | {took * 1e3:.1f} | {took_theirs * 1e3:.1f} | {apart:.0e} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="write the tables to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    workloads = [
        Workload("ProtoNet, Conv4, 28x28", ProtoNet(Conv4(norm="group")), (1, 28, 28), True),
        Workload("ProtoNet after embedding, 64 numbers", ProtoNet(nn.Identity()), (64,), False),
        Workload("MAML, MLP 8-40-40, 5 steps", MAML(MLP([8, 40, 40]), inner_lr=0.1), (8,), True),
    ]
    lines = [
        f"One thread of {platform.machine()}, torch {torch.__version__}, captum {captum.__version__}, "
        f"shap {shap.__version__}.",
        "",
    ]
    lines += ["### Shapley values of the support examples", ""]
    lines += ["| game | method | ms | times ours | largest error |", "|---|---|---:|---:|---:|"]
    lines += [row for w in workloads for size in (6, 10) for row in game_rows(w, size, arguments.rounds)]
    lines += ["", "### Attribution to the query, the adapted model held still", ""]
    lines += ["| model | method | our ms | Captum's ms | largest difference |", "|---|---|---:|---:|---:|"]
    lines += [row for w in workloads for row in query_rows(w)]
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
