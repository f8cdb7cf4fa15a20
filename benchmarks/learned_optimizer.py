"""Do learned optimizers beat tuned hand-made ones on problems they have not seen, and can they be written as formulas?

    fewsight train quadratics-lstm --out QUADRATICS && fewsight train digit-networks-lstm --out DIGITS
    python benchmarks/learned_optimizer.py QUADRATICS DIGITS [--write benchmarks/learned_optimizer.md]

100 steps; losses at the end on all data of a problem, on unseen problems; learning rates of the others are the best of
a grid on problems of the validation seed. About 5 minutes on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from fewsight.explain.response import responses
from fewsight.explain.symbolic import symbolic
from fewsight.inner import LearnedOptimizer
from fewsight.inner.families import Family, digit_networks, quadratics
from fewsight.inner.problems import slope
from fewsight.recipes import RuleRecipe
from fewsight.training import Run, evaluate_rule
from fewsight.training.rules import load_rule
from fewsight.training.rules.race import VALIDATION
from fewsight.training.rules.run import RULE

STEPS = 100
DEEP = ["unseen.widths=[32]", "unseen.activations=['relu']", "unseen.layers=[3]"]


def compared(title: str, run: Run, problems: int, overrides: list[str] | None = None) -> list[str]:
    """A table: the learned rule and the tuned others on unseen problems."""
    recipe, found = run.experiment, evaluate_rule(run, problems, overrides or [])
    assert isinstance(recipe, RuleRecipe)
    batch = recipe.problems.settings.get("batch", 64)
    return [
        f"{title}: {found.protocol['problems']} unseen problems, mean loss at the start {found.start:.4g}; the learned "
        f"one is `{recipe.rule.name}` after {recipe.training.episodes} batches of {batch}.",
        "",
        *found.markdown(),
        "",
    ]


def written(name: str, rule: LearnedOptimizer, family: Family) -> list[str]:
    """What the rule does with gradients, and the formula that stands in for it."""
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quadratics", type=Path)
    parser.add_argument("digits", type=Path)
    parser.add_argument("--write", type=Path, help="write the tables to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    runs = {"quadratics": Run.open(arguments.quadratics), "digits": Run.open(arguments.digits)}
    lines = [
        f"{STEPS} steps; final loss on all data of each problem, mean with 95 % interval over unseen problems; "
        "learning rates tuned on as many validation problems, of images that the learned one has not seen either; "
        "differences are paired by problem.",
        "",
        *compared("Quadratics of 10 dimensions", runs["quadratics"], 500),
        *compared("Digit networks (one hidden layer of 20), unseen weights and images", runs["digits"], 40),
        *compared("Networks of another shape (three hidden layers of 32), unseen images", runs["digits"], 40, DEEP),
        "Formulas: published R2 (Zheng et al., Symbolic Learning to Optimize, 2022): .46 to .54 for the LSTM of "
        "Andrychowicz et al., .93 for a distilled RNNprop.",
        "",
    ]
    for name, family in (("quadratics", quadratics()), ("digits", digit_networks((20,), batch=20))):
        lines += written(name, load_rule(runs[name].folder / RULE), family)
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
