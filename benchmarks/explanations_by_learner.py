"""Which explanation works for which learner? The table of the docs, made by trying every kind on every learner.

    python benchmarks/explanations_by_learner.py [--write docs/coverage.md]

A 3-way 2-shot task of 4 numbers, networks with 4 x 4 feature maps where a kind needs places, weights as they start. A
cell says "exact" or "approximate" if the kind could be made, and points to the reason if not. About 3 minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from fewsight.errors import ExplanationError
from fewsight.experience import Experience, Snapshot
from fewsight.explain import KINDS, Case
from fewsight.explain.kinds import Kind
from fewsight.explain.target import parse
from fewsight.learners import LEARNERS, create
from fewsight.task import Support, Task
from fewsight.variants import Variant, Variants

HEAD = """# Which explanation works for which learner?

`python benchmarks/explanations_by_learner.py --write docs/coverage.md` makes this table from the code: every kind is
tried on every learner, on a 3-way 2-shot task of images, with a record of meta-training at hand. `matched_pairs` gets
three other images as variants of the query; a person's own data has variants where they are molecules.

- **exact**: what it is defined as, to rounding; where that is an integral, its residual is measured and printed.
- **approx.**: a derivative at one point, an estimate or a surrogate; its fidelity is measured and printed.
- a number: not defined, because of the reason below the table.

Every kind is asked for by its name: `fewsight.explain(learner, support, query, what="shapley")`.

"""


NOT_TRIED = [KINDS[name] for name in ("task_influence", "task_newton", "leave_one_task_out")]
"""They differentiate the meta-loss of every recorded task: minutes, and alike for every learner."""


class Maps(nn.Module):
    """Images `(B, 1, 4, 4)` to 2 channels at 4 places, flattened: features that have places."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 3, padding=1)

    @property
    def out_features(self) -> int:
        return 8

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(torch.tanh(self.convolution(x)), 2).flatten(1)


def images() -> Task:
    """A task of noise."""
    x = torch.randn(9, 1, 4, 4, dtype=torch.float64)
    return Task(Support.of(x[:6], list("aabbcc")), x[6:], torch.arange(3))


def case(name: str) -> Case:
    torch.manual_seed(0)
    learner = create(name, Maps(), **({"inner_lr": 0.1} if name in ("maml", "meta-lstm") else {})).double()
    start = Snapshot.of(learner)
    for parameter in learner.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    tasks = [images() for _ in range(12)]
    experience = Experience.of(learner, tasks[:6], tasks[6:], snapshots=[start, Snapshot.of(learner, step=1)])
    support, query = tasks[0].support, tasks[0].query[:1]
    with torch.no_grad():
        target = parse(("contrast",), support, learner(support, query)[0])
    names = tuple(f"support {i}" for i in range(6))
    return Case(learner, support, query, target, names, experience=experience, offers=others)


def others(donors: Sequence[int]) -> Variants:
    """Three images of noise, posing as small real changes of another."""
    known = tuple(Variant(f"image {i}", f"exchange {i}", (i,), (i,), donors[0], 0.5) for i in range(3))
    return Variants(torch.randn(3, 1, 4, 4, dtype=torch.float64), known, len(known), 0)


def outcome(kind: Kind, of: Case) -> str:
    """ "exact", "approx.", or why not."""
    reason = kind.why_not(of)
    if not reason and kind not in NOT_TRIED:
        try:
            kind.explain(kind.aim(of, None))
        except ExplanationError as error:
            reason = str(error)
    return reason.replace(type(of.learner).__name__, "the learner") or ("exact" if kind.exact else "approx.")


def table() -> str:
    cases = {name: case(name) for name in LEARNERS}
    reasons: list[str] = []
    lines = ["| | " + " | ".join(cases) + " |", "|---|" + "---|" * len(cases)]
    for name, kind in KINDS.items():
        cells = []
        for each in cases.values():
            found = outcome(kind, each)
            if found not in ("exact", "approx."):
                reasons += [] if found in reasons else [found]
                found = str(reasons.index(found) + 1)
            cells.append(found)
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"{i}. {reason}" for i, reason in enumerate(reasons, 1)), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="write the page to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    page = HEAD + table()
    print(page)
    if arguments.write:
        arguments.write.write_text(page)


if __name__ == "__main__":
    main()
