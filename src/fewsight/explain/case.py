"""What is explained? One prediction, as a scalar function F of the support weights and of the query."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from fewsight import device
from fewsight.experience import Experience
from fewsight.explain import clock, progress
from fewsight.explain.clock import Clock
from fewsight.explain.target import Target
from fewsight.learner import Learner, Model
from fewsight.task import Support
from fewsight.tree import Tree
from fewsight.variants import Offers

SLOWER = 1.5
"""How many times the time of adapting alone adaptations made together may take, each."""
TRIALS = 3
"""Chunks in a row that must have been slower: a machine with other things to do delays any one of them."""


@dataclass
class Cost:
    """What one adaptation takes: bytes and seconds by itself, seconds when made together, and how many go together.

    Attributes:
        alone: measured last.
        together: the least that was seen; delays only add to it.
        slow: chunks in a row that were slower than alone.
        obstacle: why not to go together.
    """

    size: int
    alone: float
    together: float = inf
    width: int = 2
    probed: bool = False
    slow: int = 0
    obstacle: str = ""

    @property
    def seconds(self) -> float:
        """Of one adaptation, as they are made."""
        return self.alone if self.obstacle else min(self.alone, self.together)

    def judge(self, seconds: float) -> None:
        """Take note of what an adaptation of the last chunk took; too slow too often, and they go one at a time."""
        self.together = min(self.together, seconds)
        self.slow = self.slow + 1 if seconds > SLOWER * self.alone else 0
        if self.slow == TRIALS:
            self.obstacle = "measured to be faster than vectorised"

    @property
    def manner(self) -> str:
        """How adaptations are made, for the record."""
        return f"one at a time ({self.obstacle})" if self.obstacle else f"vectorised, up to {self.width} at a time"


@dataclass(frozen=True, eq=False)
class Case:
    """F(v, x) = target(learner(support under weights v, query x)), scores in the learner's dtype, F in float64.

    Attributes:
        query: one input with a leading dimension of 1.
        names: a name for each support example.
        parts: names of the parts of the query (tokens, atoms, columns), where it has names.
        deadline: when refinements stop (`clock.now()` seconds); then what there is must do.
        clock: when everything stops; the one of the whole analysis.
        seed: fixes whatever the learner draws at random, so that all coalitions meet the same draw.
        groups: the caller's own group for each support example, by name; groups then play too.
        experience: the record of the learner's meta-training, where there is one.
        offers: small real changes of the query, where its domain knows any.
        repeatable: nothing is decided by the clock, so that the same inputs give the same numbers to the last bit.
        known: scores `(N,)` by (drop, coalition): what was computed once, for any target.
        costs: what one adaptation costs, by the kind of work; known once it was measured.
    """

    learner: Learner
    support: Support
    query: Tree
    target: Target
    names: tuple[str, ...]
    seed: int = 0
    deadline: float = inf
    clock: Clock = field(default_factory=Clock, repr=False)
    groups: tuple[str, ...] | None = None
    experience: Experience | None = None
    parts: tuple[str, ...] | None = None
    offers: Offers | None = None
    repeatable: bool = False
    known: dict[tuple[bool, bytes], np.ndarray] = field(default_factory=dict, repr=False)
    costs: dict[str, Cost] = field(default_factory=dict, repr=False)

    def toward(self, target: Target) -> Self:
        """The same prediction with another target; what is known of its scores stays known."""
        return replace(self, target=target)

    def variant(self, learner: Learner | None = None, support: Support | None = None) -> Self:
        """The same question put to another learner or support set (a control), which need not be answered finely."""
        learner, support = learner or self.learner, support or self.support
        return replace(self, learner=learner, support=support, deadline=0.0, known={})

    def scores(self, weight: Tensor, *, drop: bool) -> Tensor:
        """Scores `(N,)` of the query after adapting under weights `(K,)`; differentiable."""
        return self.learner(self.support.reweighted(weight, drop=drop), self.query)[0]

    def value(self, weight: Tensor, *, drop: bool) -> Tensor:
        """F(weight), a float64 scalar; differentiable."""
        return self.target(self.scores(weight, drop=drop).double())

    @cached_property
    def model(self) -> Model:
        """The adapted model; adapted once, so that nothing done to queries can reach the support."""
        with self.frozen(), torch.no_grad():
            return self.learner.adapt(self.support)

    def query_values(self, queries: Tree) -> Tensor:
        """F of other queries `(M, ...)` under the adapted model, `(M,)` float64; differentiable in the queries."""
        return self.target(self.model(queries).double())

    def late(self) -> bool:
        return clock.now() > self.deadline

    def affords(self, rows: int, share: float = 1.0) -> bool:
        """Whether a share of the time left is enough for so many adaptations, by what they were seen to take."""
        return rows * self.seconds <= share * self.clock.left

    @property
    def seconds(self) -> float:
        """What one adaptation takes; 0 before any was made."""
        return self.costs["scores"].seconds if "scores" in self.costs else 0.0

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, the learner is in evaluation mode and draws the same random numbers each time it is entered.

        All work with the learner is done in here, in small pieces: each is begun only while there is time.

        Raises:
            OutOfTimeError: there is none.
        """
        self.clock.check()
        progress.tick()
        modes = {module: module.training for module in self.learner.modules()}
        with device.random_numbers(self.seed):
            self.learner.eval()
            try:
                yield
            finally:
                for module, training in modes.items():
                    module.training = training

    def record(self, **more: Any) -> dict[str, Any]:
        """Provenance of one explanation."""
        made = {what: cost.manner for what, cost in self.costs.items()}
        return {"seed": self.seed, "learner": type(self.learner).__name__, "adaptations": made} | more
