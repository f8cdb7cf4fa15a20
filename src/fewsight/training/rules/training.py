"""How is an optimizer learned? On numbered batches of problems, by the losses that it reaches.

After Andrychowicz et al., "Learning to learn by gradient descent by gradient descent", 2016. What is minimised, and two
estimates of its gradient, are in `truncated` and `evolution`.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from fewsight.domains.episodes import generator
from fewsight.errors import LearnerError, RunError, suggest
from fewsight.inner import LearnedOptimizer
from fewsight.inner.families import Family
from fewsight.inner.names import LEARNED
from fewsight.inner.problems import Problems, reached
from fewsight.inner.tuned import Tuned
from fewsight.training import checkpoint
from fewsight.training.rules.truncated import Estimator, truncated
from fewsight.training.state import moments, put_moments

WARM_UP = 0.05
"""Share of the episodes in which the learning rate of training rises."""
EXPLODED = 4.0
"""A gradient so many times as long as the median of the last ones is not followed."""
CHECK = 10
"""Episodes from one validation to the next."""


class RuleTraining:
    """Training a rule in place, one episode after another: each a batch of problems, followed for `steps` steps.

    Where a rule begins to diverge its gradient explodes (Metz et al., "Understanding and correcting pathologies in the
    training of learned optimizers", 2019) and points nowhere: one that is `EXPLODED` times as long as usual, or not
    finite, is left out with the rest of its batch. Episodes are numbered: what episode i draws depends on i and the
    seed alone, so that a training that was interrupted goes on as if it had not been.

    Args:
        unroll: steps that one gradient sees.
        lr: of Adam, which trains the rule; it rises for a start and falls to 0 by a cosine.
        estimator: how the gradient is found.
        validation: problems on which the rule is tried every `CHECK` episodes; what it was when best is kept.
    """

    def __init__(
        self,
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
    ) -> None:
        self.rule, self.family, self.validation = rule, family, validation
        self.episodes, self.steps, self.unroll, self.seed, self.estimator = episodes, steps, unroll, seed, estimator
        self.lr, self.adam = lr, torch.optim.Adam(rule.parameters(), lr=lr)
        self.episode = 0
        self.best, self.best_episode, self.kept = math.inf, 0, copy.deepcopy(rule.state_dict())
        self._lengths: deque[float] = deque(maxlen=40)

    def advance(self) -> Tensor:
        """One episode; the last loss of each of its problems, `(B,)`."""
        self.adam.param_groups[0]["lr"] = self.lr * self._share()
        draw = torch.Generator().manual_seed(int(generator(self.seed, "problems", self.episode).integers(2**63)))
        for losses in self.estimator(self.rule, self.family(draw), self.steps, self.unroll, draw):  # noqa: B007
            length = float(torch.nn.utils.clip_grad_norm_(self.rule.parameters(), 1.0))
            usual = median(self._lengths or [length])
            if not math.isfinite(length):
                break
            self._lengths.append(length)
            if length > EXPLODED * usual:
                break
            self.adam.step()
        self.episode += 1
        if self.validation and (self.episode % CHECK == 0 or self.episode == self.episodes):
            found = float(reached(self.rule, self.validation, self.steps).mean())
            if found < self.best:
                self.best, self.best_episode = found, self.episode
                self.kept = copy.deepcopy(self.rule.state_dict())
        return losses

    def finish(self) -> None:
        """The rule becomes what it was when best."""
        if self.validation:
            self.rule.load_state_dict(self.kept)

    def pack(self) -> dict[str, Any]:
        """All that must be kept to go on, as a checkpoint's state."""
        return {
            "episode": self.episode,
            "best": self.best if math.isfinite(self.best) else None,
            "best_episode": self.best_episode,
            "lengths": list(self._lengths),
            "kept": self.kept,
            "weights": self.rule.state_dict(),
            "optimizer": moments(self.adam),
        }

    def unpack(self, saved: dict[str, Any]) -> None:
        """Put a packed state back."""
        self.rule.load_state_dict(saved["weights"])
        put_moments(self.adam, saved["optimizer"])
        self.episode, self.best_episode, self.kept = saved["episode"], saved["best_episode"], saved["kept"]
        self.best = math.inf if saved["best"] is None else saved["best"]
        self._lengths.extend(saved["lengths"])

    def _share(self) -> float:
        """Of the learning rate, in the coming episode."""
        risen = min((self.episode + 1) / (self.episodes * WARM_UP), 1.0)
        return risen * (1 + math.cos(math.pi * self.episode / self.episodes)) / 2


def train_optimizer(
    rule: LearnedOptimizer,
    family: Family,
    *,
    episodes: int,
    on_episode: Callable[[int, float], None] | None = None,
    **settings: Any,
) -> None:
    """Train `rule` in place on `episodes` batches of problems.

    Args:
        on_episode: called after each with its number (from 1) and its mean last loss.
        settings: see `RuleTraining`.
    """
    training = RuleTraining(rule, family, episodes=episodes, **settings)
    while training.episode < episodes:
        losses = training.advance()
        if on_episode:
            on_episode(training.episode, float(losses.mean()))
    training.finish()


RULES: list[type[LearnedOptimizer]] = [*LEARNED.values(), Tuned]
KINDS = {kind.__name__: kind for kind in RULES}


def save_rule(path: Path, rule: LearnedOptimizer) -> None:
    """Write a trained rule to `path` (JSON) and a file of tensors beside it.

    Raises:
        RunError: it could not be written.
    """
    record: dict[str, Any] = {"kind": type(rule).__name__, "settings": rule.settings, "tensors": rule.state_dict()}
    checkpoint.save(path, record)


def load_rule(path: str | Path) -> LearnedOptimizer:
    """The rule saved at `path`, ready for `AsTorchOptimizer` or as a learner's inner optimizer.

    Raises:
        RunError: the file is missing or damaged, or is not a rule.
        LearnerError: a kind of rule that this version does not have.
    """
    record = checkpoint.load(Path(path))
    if not {"kind", "settings", "tensors"} <= record.keys():
        raise RunError(f"{path} is a checkpoint but not of a learned optimizer: give a file that save_rule wrote")
    if record["kind"] not in KINDS:
        raise LearnerError(
            f"{path} holds an unknown learned optimizer {record['kind']!r}{suggest(record['kind'], KINDS)}"
        )
    rule = KINDS[record["kind"]](**record["settings"])
    rule.load_state_dict(record["tensors"])
    return rule
