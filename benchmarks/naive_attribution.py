"""What happens when an attribution library is pointed at a learner that adapts, without telling it what a task is?

    python benchmarks/naive_attribution.py [--write benchmarks/naive_attribution.md]

Two questions, put to Captum the natural way and to fewsight: which support input decided (the library is given
`support -> predict(query)`), and which part of a query, where a transductive learner sees it among others. In both
the values should add up to a change of the prediction that is known. A few seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from fewsight.explain import Case
from fewsight.explain.query import integrated_gradients
from fewsight.explain.support_inputs import support_integrated_gradients
from fewsight.explain.target import parse
from fewsight.learner import Learner
from fewsight.learners import MAML
from fewsight.networks import MLP
from fewsight.networks.norm import TaskNorm
from fewsight.task import Support

STEPS = 20


def task() -> tuple[Support, Tensor]:
    """Five classes, two examples each, 8 numbers; and 15 queries."""
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(5, 1, 8, dtype=torch.float64, generator=generator)
    points = centers + 0.5 * torch.randn(5, 5, 8, dtype=torch.float64, generator=generator)
    return Support.of(points[:, :2].reshape(10, 8), torch.arange(5).repeat_interleave(2)), points[:, 2:].reshape(15, 8)


def case(learner: Learner, support: Support, query: Tensor) -> Case:
    with torch.no_grad():
        target = parse(None, support, learner(support, query)[0])
    return Case(learner, support, query, target, tuple(f"support {i}" for i in range(support.size)))


def row(question: str, who: str, total: float, change: float) -> str:
    return f"| {question} | {who} | {total:+.4f} | {change:+.4f} | {abs(total - change) / abs(change):.1%} |"


def of_the_support() -> list[str]:
    torch.manual_seed(0)
    learner = MAML(MLP([8, 16, 16], "tanh"), inner_lr=0.2).double()
    support, queries = task()
    asked = case(learner, support, queries[:1])

    def margin(x: Tensor) -> Tensor:
        """What one would write: adapt to these inputs, predict the query."""
        labels = support.y.repeat(len(x) // support.size)
        given = Support.of(x, labels)
        return asked.target(learner(given, asked.query)[0])[None]

    with torch.no_grad():
        change = float(margin(support.x) - margin(torch.zeros_like(support.x)))
    naive = IntegratedGradients(margin).attribute(support.x, n_steps=STEPS)
    ours = support_integrated_gradients(asked)
    question = "support inputs"
    return [
        row(question, "Captum on `support -> predict`", float(naive.sum()), change),
        row(question, "fewsight", float(ours.values.sum()), change),
    ]


def normalised(*, transductive: bool) -> MAML:
    """The same network, normalised by the batch of queries (as in the MAML paper) or by the support."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(8, 16), TaskNorm(16, blend=False), nn.Tanh(), nn.Linear(16, 16))
    return MAML(body, features=16, inner_lr=0.2, transductive=transductive).double()


def of_a_query() -> list[str]:
    support, queries = task()
    with torch.no_grad():
        first = parse(None, support, normalised(transductive=True)(support, queries)[0])
    model = normalised(transductive=True).adapt(support)

    def margins(x: Tensor) -> Tensor:
        return first(model(x))

    missed, rows = [], []
    naive = IntegratedGradients(margins).attribute(queries, n_steps=STEPS).sum(1)
    for i in range(len(queries)):
        with torch.no_grad():
            blank = queries.index_fill(0, torch.tensor([i]), 0)
            change = float(margins(queries)[i] - margins(blank)[i])
        missed.append(abs(float(naive[i]) - change) / abs(change))
        if i == 0:
            rows.append(row("a query among others, transductive", "Captum on the batch", float(naive[0]), change))
    rows[0] = rows[0].removesuffix(" |") + f"; mean of {len(missed)} queries {sum(missed) / len(missed):.0%} |"
    ours = integrated_gradients(case(normalised(transductive=False), support, queries[:1]))
    assert ours.baseline is not None
    change = ours.value - ours.baseline
    return [*rows, row("a query, normalised by the support", "fewsight", float(ours.values.sum()), change)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = ["| attributed to | by | sum of the values | true change | missed |", "|---|---|---:|---:|---:|"]
    lines += of_the_support() + of_a_query()
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
