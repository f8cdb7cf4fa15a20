"""Do learned optimizers beat tuned hand-made ones on problems they have not seen, and can they be written as formulas?

    python benchmarks/learned_optimizer.py train quadratics RULES         (about 8 minutes on one core)
    python benchmarks/learned_optimizer.py train digits RULES             (about 15 minutes)
    python benchmarks/learned_optimizer.py measure RULES [--write benchmarks/learned_optimizer.md]

RULES is a folder for the trained rules. 100 steps; losses at the end on all data of a problem, on unseen problems;
learning rates of the others are the best of a grid on problems of the validation seed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewsight.explain.response import responses
from fewsight.explain.statistics import mean_interval
from fewsight.explain.symbolic import symbolic
from fewsight.inner import CoordinateLSTM, LearnedOptimizer, MomentumLSTM, named
from fewsight.inner.problems import Problems, Rule, reached, slope
from fewsight.training.learned_optimizer import load_rule, save_rule, train_optimizer, truncated
from fewsight.training.problems import Family, digit_networks, quadratics

GRID = [10 ** (k / 4) for k in range(-14, 5)]
OTHERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam")
VALIDATION, TEST = 1_000_000, 2_000_000
STEPS = 100

TRAININGS: dict[str, tuple[Callable[[], LearnedOptimizer], Callable[[int], Family], dict[str, Any]]] = {
    "digits": (
        lambda: MomentumLSTM(0.1, power=0.3),
        lambda batch: digit_networks((10, 20), layers=(1, 2), batch=batch),
        {"episodes": 250, "lr": 4e-4, "unroll": 50},
    ),
    "quadratics": (
        lambda: CoordinateLSTM(0.1),
        lambda batch: quadratics(batch=batch),
        {"episodes": 400, "lr": 3e-3, "unroll": 20, "estimator": partial(truncated, first_order=True)},
    ),
}
"""By name: the rule before training, a family by batch size, and how it is trained."""
BATCH = {"quadratics": (64, 200), "digits": (2, 20)}
"""By name: problems of one episode, and validation problems."""

SETS: dict[str, tuple[str, str, Family, int]] = {
    "quadratics": ("Quadratics of 10 dimensions", "quadratics", quadratics(batch=50), 10),
    "digits": (
        "Digit networks (one hidden layer of 20, ReLU or tanh), unseen weights and images",
        "digits",
        digit_networks((20,), batch=5, unseen=True),
        8,
    ),
    "deep": (
        "Digit networks of another shape (three hidden layers of 32, ReLU), unseen images",
        "digits",
        digit_networks((32,), ("relu",), (3,), batch=5, unseen=True),
        8,
    ),
}
"""By name: what the problems are, the rule tried on them, their family, and how many batches of unseen ones."""


def train(name: str, folder: Path) -> None:
    torch.manual_seed(0)
    make, family, settings = TRAININGS[name]
    (batch, held), rule, start = BATCH[name], make(), time.monotonic()

    def say(episode: int, loss: float) -> None:
        if episode % 10 == 0:
            print(f"{time.monotonic() - start:.0f} s, episode {episode}: final loss {loss:.4f}", flush=True)

    validation = family(held)(torch.Generator().manual_seed(VALIDATION))
    train_optimizer(rule, family(batch), validation=validation, on_episode=say, **settings)
    save_rule(folder / f"{name}.json", rule)


def compare(name: str, folder: Path) -> list[str]:
    """A table: the learned rule and the tuned others on the unseen problems of one set."""
    title, trained, family, batches = SETS[name]
    make, _, settings = TRAININGS[trained]

    def drawn(seed: int) -> list[Problems]:
        generator = torch.Generator().manual_seed(seed)
        return [family(generator) for _ in range(batches)]

    def ends(rule: Rule, sets: list[Problems]) -> np.ndarray:
        return torch.cat([reached(rule, problems, STEPS) for problems in sets]).double().numpy()

    validation, test = drawn(VALIDATION), drawn(TEST)
    start = torch.cat([problems.losses(problems.start) for problems in test])
    rules: list[tuple[str, str, Rule]] = [("learned", "", load_rule(folder / f"{trained}.json"))]
    torch.manual_seed(0)
    rules.append(("learned, before training", "", make()))
    for other in OTHERS:
        scores = {rate: ends(named(other, rate), validation).mean() for rate in GRID}
        best = min(scores, key=lambda rate: scores[rate])
        rules.append((other, f"{best:.2g}", named(other, best)))
    lines = [
        f"{title}: {len(start)} unseen problems, mean loss at the start {float(start.mean()):.4g}; the learned one is "
        f"{type(rules[0][2]).__name__} after {settings['episodes']} batches of {BATCH[trained][0]}.",
        "",
        "| optimizer | learning rate | mean final loss | median | more than the learned one |",
        "|---|---:|---:|---:|---:|",
    ]
    first = ends(rules[0][2], test)
    for label, rate, rule in rules:
        losses = ends(rule, test)
        more = "" if label == "learned" else _with_interval(losses - first)
        lines.append(f"| {label} | {rate} | {_with_interval(losses)} | {np.median(losses):.4g} | {more} |")
    return [*lines, ""]


def written(name: str, folder: Path, family: Family) -> list[str]:
    """What the rule does with gradients, and the formula that stands in for it."""
    rule = load_rule(folder / f"{name}.json")
    problems = family(torch.Generator().manual_seed(VALIDATION))
    scale = float(torch.cat([g.flatten() for g in slope(problems, problems.start, 0).values()]).square().mean().sqrt())
    true = symbolic(rule, family, steps=STEPS, seed=VALIDATION)
    useful = symbolic(rule, family, steps=STEPS, by="loss", seed=VALIDATION)
    curves = [str(curve) for curve in responses(rule, scale=scale)]
    text = "\n".join([*curves, "", f"nearest {true}", "", f"most useful {useful}"])
    return [
        f"`{name}` ({type(rule).__name__}), response curves at gradients of size {scale:.3g}, and formula:",
        "",
        "```",
        text,
        "```",
        "",
    ]


def _with_interval(values: np.ndarray) -> str:
    mean, interval = mean_interval(values)
    if not np.isfinite(values).all() or interval is None:
        return "diverged"
    return f"{mean:.4g} ± {(interval[1] - interval[0]) / 2:.2g}"


def measure(folder: Path, write: Path | None) -> None:
    lines = [
        f"{STEPS} steps; final loss on all data of each problem, mean with 95 % interval over unseen problems; "
        "learning rates tuned on as many validation problems, of images that the learned one has not seen either; "
        "differences are paired by problem.",
        "",
    ]
    for name in SETS:
        lines += compare(name, folder)
    lines += [
        "Formulas: published R2 (Zheng et al., Symbolic Learning to Optimize, 2022): .46 to .54 for the LSTM of "
        "Andrychowicz et al., .93 for a distilled RNNprop.",
        "",
    ]
    for name, family in (("quadratics", quadratics()), ("digits", digit_networks((20,), batch=20))):
        lines += written(name, folder, family)
    print("\n".join(lines))
    if write:
        write.write_text("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training, measuring = commands.add_parser("train"), commands.add_parser("measure")
    training.add_argument("name", choices=TRAININGS)
    for command in (training, measuring):
        command.add_argument("rules", type=Path)
    measuring.add_argument("--write", type=Path, help="write the tables to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.command == "train":
        train(arguments.name, arguments.rules)
    else:
        measure(arguments.rules, arguments.write)


if __name__ == "__main__":
    main()
