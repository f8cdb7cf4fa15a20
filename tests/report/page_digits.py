"""A real analysis to draw, all of it computable by hand: nearest class mean on scikit-learn's digits.

Scores are z_c = -tau |q - sum_i v_i s_i / K_c|^2, so every explanation below is exact and cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import factorial

import numpy as np
from sklearn.datasets import load_digits

from fewsight.explain.analysis import Analysis
from fewsight.explain.explanation import Explanation, Measure

TAU = 1.0


@dataclass(frozen=True)
class Digits:
    """An analysis and its pictures, and the game it was computed from."""

    analysis: Analysis
    support_images: list[np.ndarray]
    query_image: np.ndarray
    game: Callable[[np.ndarray], np.ndarray]


def softmax(scores: np.ndarray) -> np.ndarray:
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def log_odds(share: np.ndarray) -> np.ndarray:
    return np.log(share) - np.log1p(-share)


def shapley(table: dict[tuple[int, ...], float], players: int) -> np.ndarray:
    """Straight from the definition."""
    values = np.zeros(players)
    for coalition, worth in table.items():
        for player in range(players):
            if not coalition[player]:
                size = sum(coalition)
                weight = factorial(size) * factorial(players - size - 1) / factorial(players)
                joined = (*coalition[:player], 1, *coalition[player + 1 :])
                values[player] += weight * (table[joined] - worth)
    return values


def make_digits(ways: int = 3, shots: int = 3, labels: tuple[str, ...] | None = None) -> Digits:
    """A query of class 0 of `ways` digits, explained; Shapley values up to 10 examples, the path beyond."""
    images, digit = load_digits(return_X_y=True)
    images = images / 16
    chosen = [np.flatnonzero(digit == c)[: shots + 1] for c in (8, 3, 5, 9, 2, 0, 1, 4, 6, 7)[:ways]]
    index = np.concatenate([rows[:shots] for rows in chosen])
    support, label, query = images[index], np.repeat(np.arange(ways), shots), images[chosen[0][shots]]
    size, one_hot = len(label), np.eye(ways)[label]

    def scores(weight: np.ndarray, renormalise: bool = False) -> np.ndarray:
        total = weight @ one_hot if renormalise else one_hot.sum(0)
        means = (one_hot * weight[:, None]).T @ support / np.maximum(total, 1e-300)[:, None]
        far = -TAU * np.square(query - means).sum(-1)
        return np.where(total > 0, far, -1e4)

    everyone = np.ones(size)
    after, before = softmax(scores(everyone)), softmax(scores(0 * everyone))
    predicted, runner_up = (int(c) for c in np.argsort(-after)[:2])

    def game(weight: np.ndarray, renormalise: bool = False) -> np.ndarray:
        return log_odds(softmax(scores(weight, renormalise))[predicted])

    start, end = float(game(0 * everyone)), float(game(everyone))
    if size <= 10:
        table = {v: float(game(np.array(v, dtype=float))) for v in product((0, 1), repeat=size)}
        kind, values = "shapley", shapley(table, size)
    else:
        kind, values = "path", _path(game, size)
    alone = np.array([(label == c).sum() == 1 for c in label])
    removal = np.array([np.nan if alone[i] else end - game(everyone - np.eye(size)[i], True) for i in range(size)])
    order = np.argsort(-values)
    deletion = [float(game(everyone - np.isin(np.arange(size), order[:n]))) for n in range(size)]
    chance = [end + (start - end) * n / size for n in range(size)]
    names = tuple(f"{('abc'[i % 3]) * 2}_{index[i]:04d}.png" for i in range(size))
    common = {"players": names, "target": "margin of the class over all others (its log-odds)", "value": end}
    pairs = np.array([[_together(game, everyone, i, j) if i != j else 0.0 for j in range(size)] for i in range(size)])
    means = one_hot.T @ support / shots
    contrast = 2 * TAU * (means[predicted] - means[runner_up]) * query
    explanations = [
        Explanation(
            kind=kind,
            question="How do the support examples share the step from the un-adapted to the adapted prediction?",
            values=values,
            baseline=start,
            baseline_name="the un-adapted model",
            semantics="drop",
            residual=abs(values.sum() - (end - start)) / abs(end - start),
            fidelity=(
                Measure(
                    "deletion against random order",
                    float(np.mean(chance) - np.mean(deletion)),
                    (0.2, 1.1),
                    True,
                    "Taking the named examples away first lowers the answer faster than taking away any.",
                    {"share": [n / size for n in range(size)], "explanation": deletion, "random": chance},
                ),
                Measure("rank correlation with leave-one-out", float("nan"), None, None, "Not enough examples."),
            ),
            controls=(
                Measure("labels shuffled", 0.12, (-0.3, 0.5), True, "A model taught wrong labels explains otherwise."),
            ),
            **common,
        ),
        Explanation(
            kind="leave_one_out",
            question="How would the prediction change if one support example had not been given?",
            values=removal,
            baseline=None,
            baseline_name="",
            semantics="renormalise",
            **common,
        ),
        Explanation(
            kind="interactions",
            question="Which pairs of examples do more, or less, together?",
            values=pairs,
            baseline=None,
            baseline_name="",
            semantics="drop",
            **common,
        ),
        Explanation(
            kind="integrated_gradients",
            question="Which part of the query speaks for the answer against the runner-up?",
            values=contrast.reshape(1, 1, 8, 8),
            players=("pixels",),
            target="score of the answer minus score of the runner-up",
            value=float(np.log(after[predicted] / after[runner_up])),
            baseline=0.0,
            baseline_name="a blank query",
            semantics="replace",
            residual=2e-16,
            fidelity=(Measure("deletion of pixels", 1.3, (0.9, 1.7), True, "Covering the blue parts hurts most."),),
            notes=("A blank query is an arbitrary reference.",),
        ),
    ]
    analysis = Analysis(
        labels=labels or tuple(str(c) for c in (8, 3, 5, 9, 2, 0, 1, 4, 6, 7)[:ways]),
        support_labels=tuple(int(c) for c in label),
        support_names=names,
        probabilities=tuple(after.tolist()),
        unadapted=tuple(before.tolist()),
        predicted=predicted,
        runner_up=runner_up,
        explanations={explanation.kind: explanation for explanation in explanations},
        left_out={"attention": "this learner has no attention"},
        scores=tuple(scores(everyone).tolist()),
        unadapted_scores=tuple(scores(0 * everyone).tolist()),
        provenance={"learner": "nearest class mean", "parameters": "none", "seed": 0},
    )
    pixels = [(255 * (1 - image.reshape(8, 8))).astype(np.uint8) for image in (*support, query)]
    return Digits(analysis, pixels[:-1], pixels[-1], game)


def _together(game: Callable[[np.ndarray], np.ndarray], everyone: np.ndarray, i: int, j: int) -> float:
    first, second = np.eye(len(everyone))[[i, j]]
    return float(game(everyone) - game(everyone - first) - game(everyone - second) + game(everyone - first - second))


def _path(game: Callable[[np.ndarray], np.ndarray], size: int) -> np.ndarray:
    nodes, weights = np.polynomial.legendre.leggauss(16)
    step, values = 1e-5, np.zeros(size)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        for i, direction in enumerate(np.eye(size) * step):
            values[i] += (
                weight * (game(node * np.ones(size) + direction) - game(node * np.ones(size) - direction)) / (2 * step)
            )
    return values
