"""Every registered learner on every kind of input, tiny and in float64: what the test matrix runs over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fewsight.learner import Learner
from fewsight.learners import LEARNERS, create
from fewsight.learners.gradient.variants import VARIANTS
from fewsight.networks import MLP, Conv4, GraphEncoder, RowEncoder, SequenceEncoder, TokenEncoder
from fewsight.task import Support, Task
from fewsight.tree import Tree

Draw = Callable[[int, torch.Generator], Tree]


def _normal(*shape: int, generator: torch.Generator) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def _mask(size: int, length: int, generator: torch.Generator) -> Tensor:
    lengths = torch.randint(2, length + 1, (size, 1), generator=generator)
    return torch.arange(length) < lengths


def tokens(size: int, generator: torch.Generator) -> Tree:
    return {"ids": torch.randint(0, 20, (size, 6), generator=generator), "mask": _mask(size, 6, generator)}


def graphs(size: int, generator: torch.Generator) -> Tree:
    edges = (torch.rand(size, 4, 4, dtype=torch.float64, generator=generator) < 0.5).double()
    nodes = _normal(size, 4, 3, generator=generator)
    return {"nodes": nodes, "edges": edges + edges.mT, "mask": _mask(size, 4, generator)}


def rows(size: int, generator: torch.Generator) -> Tree:
    values = _normal(size, 5, generator=generator)
    return torch.where(torch.rand(size, 5, generator=generator) < 0.2, torch.nan, values)


def sequences(size: int, generator: torch.Generator) -> Tree:
    return {"steps": _normal(size, 7, 2, generator=generator), "mask": _mask(size, 7, generator)}


INPUTS: dict[str, tuple[Callable[[], nn.Module], Draw]] = {
    "vectors": (lambda: MLP([4, 8, 6], "tanh"), lambda n, g: _normal(n, 4, generator=g)),
    "images": (lambda: Conv4(hidden=4, size=(8, 8), blocks=2), lambda n, g: _normal(n, 1, 8, 8, generator=g)),
    "tokens": (lambda: TokenEncoder(20, 6), tokens),
    "graphs": (lambda: GraphEncoder(3, 6), graphs),
    "rows": (lambda: RowEncoder(5, 6), rows),
    "sequences": (lambda: SequenceEncoder(2, 6), sequences),
}


SETTINGS = {name: {"inner_lr": 0.05} for name in ["maml", "meta-lstm", *VARIANTS]} | {"leo": {"inner_lr": 0.05}}
"""A rate at which five inner steps on inputs as raw as these do not diverge; other learners run as they come."""


OUTER_RATE = {"in-context": 3e-3}
"""The learning rate of a tiny meta-training where 1e-2 is too much, as it is for a transformer."""
OUTER_STEPS = {"imaml": 200}
"""Meta-steps where 120 are few: iMAML pulls its start towards solutions that stay near it, so it moves slowly."""


def regression(seed: int = 0) -> Task:
    """Three inputs, two outputs, 6 support examples and 10 queries of noise, in float64."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(16, 3, dtype=torch.float64, generator=generator)
    y = torch.randn(16, 2, dtype=torch.float64, generator=generator)
    return Task(Support.of(x[:6], y[:6]), x[6:], y[6:])


@dataclass(frozen=True)
class Case:
    """One learner on one kind of input and task."""

    learner_name: str
    input_kind: str
    task_kind: str

    def __str__(self) -> str:
        return f"{self.learner_name}-{self.input_kind}-{self.task_kind}"

    def learner(self) -> Learner:
        """The learner with random parameters; heads too, so that no derivative is 0 by symmetry."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = INPUTS[self.input_kind][0]()
            outputs = 2 if self.task_kind == "regression" else None
            learner = create(self.learner_name, network, outputs, **SETTINGS.get(self.learner_name, {})).double()
            for parameter in learner.parameters():
                parameter.data += 0.1 * torch.randn_like(parameter)
        return learner

    def inputs(self, size: int, seed: int) -> Tree:
        return INPUTS[self.input_kind][1](size, torch.Generator().manual_seed(seed))

    def task(self, seed: int = 0, shots: tuple[int, ...] = (1, 2, 3), queries: int = 4) -> Task:
        """A task with unequal shots, class "c0" having `shots[0]` examples and so on."""
        generator = torch.Generator().manual_seed(1000 + seed)
        size = sum(shots)
        x, query = self.inputs(size, seed), self.inputs(queries, seed + 500)
        if self.task_kind == "regression":
            support = Support.of(x, _normal(size, 2, generator=generator))
            return Task(support, query, _normal(queries, 2, generator=generator)).to(torch.float64)
        labels = [f"c{label}" for label, count in enumerate(shots) for _ in range(count)]
        target = torch.randint(0, len(shots), (queries,), generator=generator)
        return Task(Support.of(x, labels), query, target).to(torch.float64)


def _cases() -> list[Case]:
    outputs = {"classification": None, "regression": 2}
    return [
        Case(name, kind, task)
        for name in LEARNERS
        for kind in INPUTS
        for task in outputs
        if task in create(name, MLP([4, 6]), outputs[task]).kinds
    ]


CASES = _cases()
CLASSIFICATION = [case for case in CASES if case.task_kind == "classification"]
