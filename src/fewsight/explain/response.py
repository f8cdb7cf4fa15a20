"""What does an update rule do with gradients? Its response curves, measured on one number (C3).

A rule, learned or not, is fed gradients of one's choosing and watched: how the step depends on the newest gradient
(and where it saturates), on past ones (momentum), on time (schedule) and on the scale of all of them. Each curve comes
with the constants that it would have if the rule were a simple one. After Maheswaranathan et al., "Reverse engineering
learned optimizers reveals known and novel mechanisms", 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from fewsight.errors import ExplanationError
from fewsight.explain.probe import WARM, constant, pasts, steps_under, walk
from fewsight.explain.record import of_fields, plain
from fewsight.inner.problems import Rule, cut

SCHEMA = "fewsight.curve/1"


@dataclass(frozen=True, eq=False)
class Curve:
    """One measured curve of an update rule.

    Attributes:
        kind: "gradient", "momentum", "schedule" or "scale".
        question: the question it answers.
        x_name, x, y_name, y: the curve, arrays `(N,)`.
        spread: standard deviation of y over random pasts, `(N,)`; zeros where there is none.
        findings: constants read off the curve, by name; infinite where there is no such bound.
        fit: share of the variance of y that a simple rule with these constants explains; None where none is fitted.
    """

    kind: str
    question: str
    x_name: str
    x: np.ndarray
    y_name: str
    y: np.ndarray
    spread: np.ndarray
    findings: dict[str, float]
    fit: float | None = None

    def __str__(self) -> str:
        found = ", ".join(f"{name} {value:.4g}" for name, value in self.findings.items())
        explained = "" if self.fit is None else f" (a simple rule with these explains {100 * self.fit:.1f} %)"
        return f"{self.kind}: {self.question} {found}{explained}"

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`; None for what is not finite."""
        return plain(of_fields(self) | {"schema": SCHEMA})


def responses(rule: Rule, *, scale: float = 1.0, seed: int = 0) -> tuple[Curve, Curve, Curve, Curve]:
    """All four curves.

    Args:
        scale: the size of gradients at which the rule is watched: take what it meets in its own work.
    """
    return (
        gradient_response(rule, scale=scale, seed=seed),
        momentum_kernel(rule, scale=scale, seed=seed),
        schedule(rule, scale=scale),
        scale_response(rule, scale=scale),
    )


def gradient_response(rule: Rule, *, scale: float = 1.0, points: int = 41, reach: float = 10.0, seed: int = 0) -> Curve:
    """The step against the newest gradient, after random pasts, less the step at gradient 0.

    Findings: `rate` and `threshold` of the clipped line -rate clip(g, +-threshold) nearest to the curve; the threshold
    is infinite where no gradient up to `reach` times `scale` saturates the step.
    """
    sizes = scale * np.logspace(-3, np.log10(reach), points)
    x = np.concatenate([-sizes[::-1], [0.0], sizes])
    found = []
    for past in pasts(rule, scale, seed):
        state = cut(walk(rule, past)[1])
        found.append([steps_under(rule, [past.new_tensor(value)], state)[0].item() for value in x])
    curves = np.array(found)
    curves -= curves[:, [points]]
    y = curves.mean(0)

    def rate(threshold: float) -> float:
        clipped = np.clip(x, -threshold, threshold)
        return -float(clipped @ y / (clipped @ clipped))

    def error(logarithm: float) -> float:
        threshold = np.exp(logarithm)
        return float(np.square(y + rate(threshold) * np.clip(x, -threshold, threshold)).sum())

    logs = np.log(sizes)
    best = int(np.argmin([error(value) for value in logs]))
    refined = minimize_scalar(
        error,
        bounds=(logs[max(best - 1, 0)], logs[min(best + 1, points - 1)]),
        method="bounded",
        options={"xatol": 1e-9},
    ).x
    free = best == points - 1
    threshold = np.inf if free else float(np.exp(refined))
    return Curve(
        "gradient",
        "How far does a step go for a gradient of this size?",
        "newest gradient",
        x,
        "step",
        y,
        curves.std(0),
        {"rate": rate(threshold), "threshold": threshold},
        _explained(y, error(logs[-1] if free else refined)),
    )


def momentum_kernel(rule: Rule, *, scale: float = 1.0, lags: int = 30, seed: int = 0) -> Curve:
    """What a unit of gradient k steps ago adds to the step, by derivatives through the rule along random pasts.

    Findings: `rate` and `decay` of the kernel -rate decay^k nearest to the curve, and `total`, the sum of the kernel
    without its sign: how far a unit of gradient moves the parameter in the end.
    """
    found = []
    for past in pasts(rule, scale, seed, lags + WARM):
        gradients = [value.requires_grad_() for value in past]
        last = steps_under(rule, gradients)[-1]
        slopes = torch.autograd.grad(last, gradients[-lags:], allow_unused=True)
        found.append([0.0 if slope is None else float(slope) for slope in reversed(slopes)])
    curves = np.array(found)
    y, lag = curves.mean(0), np.arange(lags)

    def rate(decay: float) -> float:
        return -float(decay**lag @ y / (decay ** (2 * lag)).sum())

    def error(decay: float) -> float:
        return float(np.square(y + rate(decay) * decay**lag).sum())

    grid = np.linspace(0, 0.999, 200)
    best = int(np.argmin([error(value) for value in grid]))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    decay = float(minimize_scalar(error, bounds=around, method="bounded", options={"xatol": 1e-9}).x)
    return Curve(
        "momentum",
        "For how long does a gradient go on moving the parameter?",
        "steps ago",
        lag.astype(float),
        "step per unit of gradient",
        y,
        curves.std(0),
        {"rate": rate(decay), "decay": decay, "total": -float(y.sum())},
        _explained(y, error(decay)),
    )


def schedule(rule: Rule, *, scale: float = 1.0, steps: int = 100) -> Curve:
    """The step per unit of gradient at each time, under a gradient that never changes.

    Findings: `first`, `last` and `ratio`, the last by the first.
    """
    y = -constant(rule, scale, steps) / scale
    return Curve(
        "schedule",
        "How does the learning rate change with time?",
        "step number",
        np.arange(1.0, steps + 1),
        "step per unit of a constant gradient",
        y,
        np.zeros(steps),
        {"first": float(y[0]), "last": float(y[-1]), "ratio": float(y[-1] / y[0]) if y[0] else np.nan},
    )


def scale_response(rule: Rule, *, scale: float = 1.0, steps: int = WARM) -> Curve:
    """The size of a step against the size of all gradients so far, which are constant.

    Findings: `power` p of the line step ~ scale^p nearest to the curve in logarithms: 1 for gradient descent and
    momentum, 0 for Adam and RMSprop, whose steps do not depend on the scale.
    """
    x = scale * np.logspace(-2, 2, 17)
    y = np.array([abs(constant(rule, value, steps)[-1]) for value in x])
    if not (y > 0).all():
        raise ExplanationError("this rule does not move under a constant gradient: it has no response to scale")
    power, level = np.polyfit(np.log(x), np.log(y), 1)
    off = np.square(np.log(y) - power * np.log(x) - level).sum()
    # A level curve has no variance to explain.
    fit = None if np.ptp(np.log(y)) < 1e-6 else _explained(np.log(y) - np.log(y).mean(), off)
    question = "Do steps grow with the scale of gradients?"
    findings = {"power": float(power)}
    return Curve("scale", question, "size of all gradients", x, "size of the step", y, np.zeros(len(x)), findings, fit)


def _explained(y: np.ndarray, error: float) -> float:
    return 1 - error / max(float(np.square(y).sum()), 1e-300)
