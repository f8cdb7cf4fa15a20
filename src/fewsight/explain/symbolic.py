"""Can a learned update rule be written down? As a short formula that takes nearly the same steps, or not at all (C4).

The formula is a sparse sum over a fixed library of terms, fitted to the steps that the rule takes on problems. How true
it is, is measured twice on other problems: R2 of its steps, and the loss it reaches in the place of the rule, which can
be bad where R2 is good. Zheng et al., "Symbolic Learning to Optimize", 2022, report R2 of .97 for momentum and .89 for
Adam as if they were learned, .93 for a distilled RNNprop, .46 to .54 for the LSTM of Andrychowicz et al.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.formula import Formula, forward_selection, moments, r2_by_problem
from fewsight.explain.progress import bar, tick
from fewsight.explain.record import of_fields, plain
from fewsight.explain.response import gradient_response, momentum_kernel
from fewsight.explain.statistics import Interval, mean_interval
from fewsight.explain.terms import DECAYS, Watcher, library
from fewsight.inner.problems import Problems, Rule, Step, reached, trajectory

SCHEMA = "fewsight.formula/1"
ENOUGH = 2e-3
"""Two formulas whose R2 on held-out trajectories differ by less are taken as equal, and the shorter one is better."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A formula in place of an update rule, and how well it stands in, on problems it was not fitted to.

    Attributes:
        formula: what was found.
        r2: share of the variance of the rule's steps that it explains, all problems together.
        r2_interval: 95 % interval of the mean over problems of R2 within each.
        path: R2 on held-out trajectories of the formula of 1, 2, 3... terms.
        loss_start, loss_rule, loss_formula: mean losses at the start, reached by the rule, and by the formula in its
            place; infinite where it diverged on a problem.
        difference: 95 % interval of loss_formula - loss_rule over problems; None where one diverged.
        diverged: share of the problems on which the formula diverged.
        steps: length of the trajectories.
    """

    formula: Formula
    r2: float
    r2_interval: Interval | None
    path: tuple[float, ...]
    loss_start: float
    loss_rule: float
    loss_formula: float
    difference: Interval | None
    diverged: float
    steps: int

    def __str__(self) -> str:
        by_problem = f" ([{self.r2_interval[0]:.3f}, {self.r2_interval[1]:.3f}] by problem)" if self.r2_interval else ""
        lines = [
            str(self.formula),
            f"  explains {self.r2:.4f} of the variance of the steps on unseen problems{by_problem}",
            f"  mean loss after {self.steps} steps, from {self.loss_start:.4g}: {self.loss_rule:.4g} by the rule, "
            f"{self.loss_formula:.4g} by the formula",
        ]
        if self.diverged:
            lines.append(f"  the formula diverges on {100 * self.diverged:.3g} % of the problems")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`; None for what is not finite."""
        terms = {t.text: c for t, c in zip(self.formula.terms, self.formula.coefficients, strict=True)}
        return plain(of_fields(self) | {"schema": SCHEMA, "formula": str(self.formula), "terms": terms})


@bar("writing the rule down")
def symbolic(
    rule: Rule,
    family: Callable[[torch.Generator], Problems],
    *,
    steps: int = 100,
    most: int = 6,
    by: Literal["r2", "loss"] = "r2",
    seed: int = 0,
) -> Surrogate:
    """The shortest formula of at most `most` terms that explains the steps of `rule` as well as any longer one.

    Terms are added one by one, each time the one that leaves the least error after all are fitted again (orthogonal
    least squares; Chen, Billings & Luo 1989): thresholding, as in SINDy, cannot choose among running means that are
    nearly the same. Where the rule clips and how long its memory is are first read off its response curves, so that
    these constants are in the library whatever they are. The number of terms is chosen on held-out trajectories.

    Args:
        family: draws a batch of problems: one to fit, one to choose, one to report on.
        steps: length of the trajectories, which are those of the rule.
        by: what the number of terms is chosen by: R2, so that the formula says what the rule does, or the loss that it
            reaches by itself, so that it can take the place of the rule. The two can differ by much.

    Raises:
        ExplanationError: the rule diverges on these problems, or does not move.
    """
    fitted, held, unseen = (family(torch.Generator().manual_seed(3 * seed + part)) for part in range(3))
    gradients = np.concatenate(
        [g.flatten().double().numpy() for s in _walk(rule, fitted, steps) for g in s[1].values()]
    )
    if not np.isfinite(gradients).all():
        raise ExplanationError("this rule diverges on these problems: there is no step to explain")
    scale = float(np.sqrt(np.square(gradients).mean()))
    if not scale > 0:
        raise ExplanationError("all gradients of these problems are 0: there is no step to explain")
    measured = gradient_response(rule, scale=scale).findings["threshold"]
    thresholds = [c for c in (measured, *np.quantile(np.abs(gradients), [0.5, 0.8, 0.95])) if 0 < c < np.inf]
    memory = momentum_kernel(rule, scale=scale).findings["decay"]
    watcher = Watcher(tuple(sorted({*DECAYS, *([memory] if 0.01 < memory < 0.998 else [])})))
    terms = library(scale, thresholds=thresholds, decays=watcher.decays)
    fit, check = (moments(terms, watcher, _walk(rule, problems, steps)) for problems in (fitted, held))
    if not fit.square > 0:
        raise ExplanationError("this rule does not move on these problems: there is no step to explain")
    path = forward_selection(fit, check, most)
    formulas = [Formula(tuple(terms[i] for i in chosen), tuple(c.tolist()), watcher) for chosen, c, _ in path]
    scores = [r2 for *_, r2 in path]
    if by == "loss":
        formula = min(formulas, key=lambda one: float(reached(one.optimizer, held, steps).mean()))
    else:
        formula = next(one for one, r2 in zip(formulas, scores, strict=True) if r2 >= max(scores) - ENOUGH)
    pooled, within = r2_by_problem(formula, _walk(rule, unseen, steps))
    ends = [reached(one, unseen, steps).double().numpy() for one in (rule, formula.optimizer)]
    finite = all(np.isfinite(end).all() for end in ends)
    return Surrogate(
        formula,
        pooled,
        mean_interval(within)[1],
        tuple(scores),
        float(unseen.losses(unseen.start).mean()),
        float(ends[0].mean()),
        float(ends[1].mean()),
        mean_interval(ends[1] - ends[0])[1] if finite else None,
        float(np.isinf(ends[1]).mean()),
        steps,
    )


def _walk(rule: Rule, problems: Problems, steps: int) -> Iterator[Step]:
    for step in trajectory(rule, problems, steps, unroll=1):
        tick()
        yield Step(*({name: value.detach() for name, value in part.items()} for part in step))
