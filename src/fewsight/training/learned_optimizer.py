"""How is an optimizer learned? By minimising the losses it reaches on a family of problems.

Andrychowicz et al., "Learning to learn by gradient descent by gradient descent", 2016, equation 3: what is minimised is
a weighted sum of the losses along the trajectory. Two estimates of its gradient: truncated back-propagation through
time (here) and `evolution.persistent`.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from fewsight.errors import LearnerError, RunError, suggest
from fewsight.inner import CoordinateLSTM, LearnedOptimizer, MetaLSTM
from fewsight.inner.momentum_lstm import MomentumLSTM
from fewsight.inner.problems import Problems, reached, trajectory
from fewsight.training import checkpoint
from fewsight.training.problems import Family

Estimator = Callable[[LearnedOptimizer, Problems, int, int, torch.Generator], Iterator[Tensor]]
"""From rule, problems, steps and unroll: for each stretch of `unroll` steps it puts the gradient of the meta-loss into
`.grad` and gives the losses `(B,)` at its end."""
WORST = 10.0
"""Share of the first loss beyond which a problem has diverged and says nothing more."""
WARM_UP = 0.05
"""Share of the episodes in which the learning rate of training rises."""
EXPLODED = 4.0
"""A gradient so many times as long as the median of the last ones is not followed."""
CHECK = 10
"""Episodes from one validation to the next."""


@dataclass(frozen=True)
class Objective:
    """sum_t (t / T) log(mean over problems of loss_t / loss_0): small late losses count beside large early ones.

    Attributes:
        problems, steps: of the trajectories, T steps long.
    """

    problems: Problems
    steps: int

    def share(self, losses: Tensor) -> Tensor:
        """loss_t / loss_0 of each problem, `(B,)`."""
        return (losses / self._first).clamp(max=WORST)

    def weight(self, step: int, shares: Tensor) -> Tensor:
        """What the mean share after `step` (from 0) counts, so that its gradient is that of its logarithm."""
        return (step + 1) / self.steps / shares.detach().mean()

    @cached_property
    def _first(self) -> Tensor:
        return self.problems.losses(self.problems.start).detach()


def truncated(
    rule: LearnedOptimizer,
    problems: Problems,
    steps: int,
    unroll: int,
    generator: torch.Generator,
    *,
    first_order: bool = False,
) -> Iterator[Tensor]:
    """Back-propagation through time, cut every `unroll` steps: exact within a stretch, blind to what comes after it.

    Args:
        first_order: take the gradients that the rule is fed as constants, as the paper does. On quadratics this says
            that longer steps are always better, and a rule that starts well is spoiled.
    """
    objective, part = Objective(problems, steps), []
    for step, (_, _, after) in enumerate(trajectory(rule, problems, steps, unroll=unroll, first_order=first_order)):
        losses = problems.losses(after, step + 1)
        shares = objective.share(losses)
        part.append(objective.weight(step, shares) * shares.mean())
        if (step + 1) % unroll == 0 or step + 1 == steps:
            rule.zero_grad()
            torch.stack(part).sum().backward()
            part = []
            yield losses.detach()


def train_optimizer(
    rule: LearnedOptimizer,
    family: Family,
    *,
    episodes: int,
    steps: int = 100,
    unroll: int = 100,
    lr: float = 1e-3,
    seed: int = 0,
    estimator: Estimator = truncated,
    validation: Problems | None = None,
    on_episode: Callable[[int, float], None] | None = None,
) -> None:
    """Train `rule` in place on `episodes` batches of problems, each followed for `steps` steps.

    Where a rule begins to diverge its gradient explodes (Metz et al., "Understanding and correcting pathologies in the
    training of learned optimizers", 2019) and points nowhere: one that is `EXPLODED` times as long as usual, or not
    finite, is left out with the rest of its batch.

    Args:
        unroll: steps that one gradient sees.
        lr: of Adam, which trains the rule; it rises for a start and falls to 0 by a cosine.
        estimator: how the gradient is found.
        validation: problems on which the rule is tried every `CHECK` episodes; what it was when best is kept.
        on_episode: called after each batch with its number (from 1) and its mean last loss.
    """
    adam = torch.optim.Adam(rule.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(seed)
    lengths: deque[float] = deque(maxlen=40)
    best, kept = math.inf, copy.deepcopy(rule.state_dict())
    for episode in range(episodes):
        share = min((episode + 1) / (episodes * WARM_UP), 1.0) * (1 + math.cos(math.pi * episode / episodes)) / 2
        adam.param_groups[0]["lr"] = lr * share
        for losses in estimator(rule, family(generator), steps, unroll, generator):  # noqa: B007
            length = float(torch.nn.utils.clip_grad_norm_(rule.parameters(), 1.0))
            usual = median(lengths or [length])
            if not math.isfinite(length):
                break
            lengths.append(length)
            if length > EXPLODED * usual:
                break
            adam.step()
        if validation and ((episode + 1) % CHECK == 0 or episode + 1 == episodes):
            found = float(reached(rule, validation, steps).mean())
            if found < best:
                best, kept = found, copy.deepcopy(rule.state_dict())
        if on_episode:
            on_episode(episode + 1, float(losses.mean()))
    if validation:
        rule.load_state_dict(kept)


KINDS: dict[str, type[LearnedOptimizer]] = {kind.__name__: kind for kind in (CoordinateLSTM, MetaLSTM, MomentumLSTM)}


def save_rule(path: Path, rule: LearnedOptimizer) -> None:
    """Write a trained rule to `path` (JSON) and a file of tensors beside it.

    Raises:
        RunError: it could not be written.
    """
    record: dict[str, Any] = {"kind": type(rule).__name__, "settings": rule.settings, "tensors": rule.state_dict()}
    checkpoint.save(path, record)


def load_rule(path: Path) -> LearnedOptimizer:
    """The rule saved at `path`, ready for `AsTorchOptimizer` or as a learner's inner optimizer.

    Raises:
        RunError: the file is missing or damaged, or is not a rule.
        LearnerError: a kind of rule that this version does not have.
    """
    record = checkpoint.load(path)
    if not {"kind", "settings", "tensors"} <= record.keys():
        raise RunError(f"{path} is a checkpoint but not of a learned optimizer: give a file that save_rule wrote")
    if record["kind"] not in KINDS:
        raise LearnerError(
            f"{path} holds an unknown learned optimizer {record['kind']!r}{suggest(record['kind'], KINDS)}"
        )
    rule = KINDS[record["kind"]](**record["settings"])
    rule.load_state_dict(record["tensors"])
    return rule
