"""Which weights of a training are kept, and when is it over? The best on validation tasks; when they stop improving."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import fmean

from torch import Tensor

from fewsight.domains.episodes import Episodes
from fewsight.errors import RunError
from fewsight.learner import Learner
from fewsight.metrics import METRICS
from fewsight.training.run import Run
from fewsight.training.scoring import task_scores
from fewsight.training.state import Fit


@dataclass
class Validation:
    """Scores a learner on always the same tasks.

    Attributes:
        episodes, tasks: the first `tasks` of `episodes` are used.
        every: steps between validations; the last step is always validated.
        patience: validations without improvement after which training stops; None: never.
        metric: its name in `fewsight.metrics`.
        run: where the best weights are kept besides memory.
    """

    episodes: Episodes
    tasks: int
    every: int
    patience: int | None
    metric: str
    run: Run | None
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def check(self, learner: Learner, now: Fit) -> float:
        """The mean score; brings the best in `now` up to date and stops it "early" when patience is over."""
        score = fmean(task_scores(learner, (self.episodes[index] for index in range(self.tasks)), self.metric))
        if not math.isfinite(score):
            raise RunError(f"validation gave {score} at step {now.step}: try a smaller lr or inner learning rate")
        if now.best is None or METRICS[self.metric].better(score, now.best):
            now.best, now.best_step, now.stale = score, now.step, 0
            self.best_weights = {name: value.detach().clone() for name, value in learner.state_dict().items()}
            if self.run:
                self.run.save_best(self.best_weights, step=now.step, score=score)
        else:
            now.stale += 1
            if self.patience is not None and now.stale >= self.patience and not now.stopped:
                now.stopped = "early"
        return score

    def restore(self, learner: Learner) -> None:
        """Give `learner` its best weights."""
        if self.best_weights:
            learner.load_state_dict(self.best_weights)
        elif self.run:
            self.run.restore(learner)
