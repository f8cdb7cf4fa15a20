"""Can something simpler stand in for the adapted predictor? A sum over examples, a short line, a small tree (C5).

`subset_surrogate` asks whether F on subsets of the support is a sum of one number for each example; where it is not, no
additive explanation tells the whole story. `sparse_linear` and `tree` say the prediction around the query in readable
features. Each carries its R2 on what it was not fitted to: on itself any surrogate looks good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from fewsight.errors import ExplanationError
from fewsight.explain import coalitions, game
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.inputs import Inputs
from fewsight.explain.parts import Parts
from fewsight.explain.quadrature import resolution
from fewsight.explain.query import in_batches
from fewsight.explain.statistics import mean_interval
from fewsight.tree import Tree

FOLDS = 10
SAMPLES = 512
"""Subsets, or changed queries, that a surrogate is made from where not all are taken."""
FAITHFUL = 0.7
"""R2 from which a surrogate stands for the predictor."""
FEATURES = 8
"""Features a linear rule may have at most, so that it can be read."""
DEPTH = 3
"""Questions that a tree may ask in a row."""

AROUND = "variance of F around the query that the surrogate explains, on changed queries it was not fitted to"

Features = Callable[[Tree], np.ndarray]
"""Inputs `(M, ...)` to readable features `(M, F)`."""


def subset_surrogate(case: Case, *, drop: bool = True) -> Explanation:
    """Coefficients w of F(S) = w_0 + sum_{i in S} w_i, `(K,)`, by least squares over subsets of the support.

    Every size of subset weighs the same. All 2^K subsets for up to 12 examples, else `SAMPLES` of them. R2 is that of
    `FOLDS`-fold cross-validation. Ilyas et al., "Datamodels", 2022.

    Args:
        drop: see `subsets`; False needs a target that survives the loss of a class (a probability).
    """
    size = case.support.size
    if not drop and not case.target.survives:
        raise ExplanationError(f"{case.target.description} is not defined without a class: use drop=True")
    masks = game.coalitions(size) if size <= game.EXACT else _drawn_subsets(size, np.random.default_rng(case.seed))
    earned = coalitions.values(case, masks, drop=drop)
    members = masks.sum(1)
    counts = np.bincount(members, minlength=size + 1)
    weight = 1.0 / counts[members]

    def fit(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        found = _least_squares(x, y, w)
        return lambda new: found[0] + new @ found[1:]

    coefficients = _least_squares(masks.astype(float), earned, weight)
    exact = "all" if size <= game.EXACT else f"{len(masks)} random"
    return Explanation(
        kind="subset_surrogate",
        question="If the prediction were a sum of one number for each support example, what would the numbers be?",
        values=coefficients[1:],
        players=case.names,
        target=case.target.description,
        value=coalitions.present(case),
        baseline=None,
        baseline_name="",
        semantics="drop" if drop else "renormalise",
        fidelity=(
            held_out(
                masks.astype(float),
                earned,
                fit,
                weight,
                meaning=f"variance of F over {exact} subsets that a sum over examples explains, on subsets it was not "
                "fitted to; if it is low, no additive explanation tells the whole story",
            ),
        ),
        notes=(f"Least squares on {exact} subsets of the support; every size of subset weighs the same.",),
        provenance=case.record(intercept=float(coefficients[0]), subsets=len(masks)),
    )


def sparse_linear(
    case: Case, features: Features | None = None, names: Sequence[str] | None = None, *, most: int = FEATURES
) -> Explanation:
    """Coefficients of a sparse linear rule for F around the query, `(F,)`, in units of F for one standard deviation.

    The Lasso with the weakest penalty that leaves `most` features, then least squares on these. Ribeiro et al., "Why
    Should I Trust You?", 2016, algorithm 1.

    Args:
        features: readable features of inputs `(M, ...)`; default the numbers of the query, or which of its patches or
            positions are shown.
        names: one for each feature, when `features` is given.
    """
    from sklearn.linear_model import lasso_path

    around = neighbourhood(case, features, names)

    def solve(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, float]:
        """The last point of the path with few enough features, refitted by least squares on these."""
        x_centered, y_centered = x - x.mean(0), y - y.mean()
        strongest = np.abs(x_centered.T @ y_centered).max() / len(y)
        if strongest < 1e-12:
            return np.zeros(x.shape[1]), float(y.mean())
        _, path, _ = lasso_path(x_centered, y_centered, alphas=strongest * np.logspace(0, -2, 50))
        few = np.flatnonzero((path != 0).sum(0) <= most)
        chosen = np.flatnonzero(path[:, few[-1]])
        found = _least_squares(x[:, chosen], y, w)
        coefficients = np.zeros(x.shape[1])
        coefficients[chosen] = found[1:]
        return coefficients, float(found[0])

    def fit(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        coefficients, intercept = solve(x, y, w)
        return lambda new: new @ coefficients + intercept

    coefficients, intercept = solve(around.standard, around.earned, np.ones(len(around.earned)))
    used = np.flatnonzero(coefficients)
    return _local(
        case,
        around,
        "sparse_linear",
        "Which few features of the query, added up, say what the adapted model says around it?",
        coefficients,
        held_out(around.standard, around.earned, fit),
        f"A line of {len(used)} features out of {len(coefficients)}, for {around.what}.",
        intercept=intercept,
    )


def tree(
    case: Case, features: Features | None = None, names: Sequence[str] | None = None, *, depth: int = DEPTH
) -> Explanation:
    """Importances of a shallow decision tree for F around the query, `(F,)`; they sum to 1. The tree is in the notes.

    Args:
        features, names: see `sparse_linear`.
        depth: questions in a row at most.
    """
    from sklearn.tree import DecisionTreeRegressor, export_text

    around = neighbourhood(case, features, names)

    def grown(x: np.ndarray, y: np.ndarray) -> Any:
        return DecisionTreeRegressor(max_depth=depth, min_samples_leaf=5, random_state=0).fit(x, y)

    found = grown(around.readable, around.earned)
    return _local(
        case,
        around,
        "tree",
        "Which few questions about the query lead to what the adapted model says around it?",
        found.feature_importances_,
        held_out(around.readable, around.earned, lambda x, y, w: grown(x, y).predict),
        f"A tree of at most {depth} questions in a row, for {around.what}.",
        tree=export_text(found, feature_names=list(around.names), decimals=3),
    )


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Changed queries, as readable features `(M, F)`, and F of each, `(M,)`; `what` says how they were changed."""

    readable: np.ndarray
    earned: np.ndarray
    names: tuple[str, ...]
    what: str

    @property
    def standard(self) -> np.ndarray:
        """Features of mean 0 and deviation 1; constant ones 0."""
        spread = self.readable.std(0)
        return (self.readable - self.readable.mean(0)) / np.where(spread > 0, spread, 1.0)


def neighbourhood(
    case: Case, features: Features | None = None, names: Sequence[str] | None = None, samples: int = SAMPLES
) -> Neighbourhood:
    """Random changes of the query and what the adapted model says of them.

    A row of numbers is moved by as much as the support varies in each number; anything else has a random half of its
    patches or positions hidden.
    """
    generator = np.random.default_rng(case.seed)
    row = isinstance(case.query, torch.Tensor) and case.query.ndim == 2
    if row:
        inputs = Inputs.of(case.query, case.parts)
        center = inputs.vector.double().cpu().numpy()
        others = case.support.x.double().cpu().numpy()
        spread = np.nan_to_num(np.nanstd(others, 0))
        moved = center + 0.5 * spread * generator.standard_normal((samples, len(center)))
        queries = inputs.queries(torch.from_numpy(moved).to(inputs.vector))
        own, own_names, what = np.nan_to_num(moved), inputs.names, "queries whose numbers vary half as the support's do"
    else:
        parts = Parts.of(case.query, names=case.parts)
        hide = generator.random((samples, len(parts.names))) < 0.5
        queries = parts.hidden(hide)
        own, own_names = (~hide & parts.real).astype(float), parts.names
        what = "queries with a random half of their parts hidden"
    with torch.no_grad():
        found = in_batches(case, queries, case.query_values).cpu().numpy()
    readable = own if features is None else np.asarray(features(queries), dtype=float)
    titles = tuple(own_names) if features is None else tuple(names or ())
    if readable.shape != (samples, len(titles)):
        raise ExplanationError(
            f"features must give one row for each of {samples} inputs and one column for each of {len(titles)} names, "
            f"got {readable.shape}"
        )
    return Neighbourhood(readable, found, titles, what)


def held_out(
    x: np.ndarray,
    y: np.ndarray,
    fit: Callable[[np.ndarray, np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]],
    weight: np.ndarray | None = None,
    meaning: str = AROUND,
) -> Measure:
    """R2 on folds that were not fitted to: its mean, and its 95 % interval over the folds.

    Args:
        fit: features, values and weights to a predictor.
        weight: of each row; default all the same.
    """
    weight = np.ones(len(y)) if weight is None else weight
    mean = np.average(y, weights=weight)
    spread = np.average(np.square(y - mean), weights=weight)
    if spread < resolution(float(np.abs(y).max())) ** 2:
        return Measure("held-out R2", float("nan"), None, None, f"{meaning}; not defined: F does not vary")
    folds = min(FOLDS, len(y) // 2)
    fold = np.random.default_rng(0).permutation(len(y)) % folds
    scores = []
    for k in range(folds):
        out = fold == k
        predict = fit(x[~out], y[~out], weight[~out])
        wrong = np.average(np.square(predict(x[out]) - y[out]), weights=weight[out])
        scores.append(1 - wrong / spread)
    value, interval = mean_interval(np.array(scores))
    return Measure("held-out R2", value, interval, value >= FAITHFUL, meaning)


def _least_squares(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Intercept and coefficients, `(1 + F,)`."""
    root = np.sqrt(weight)[:, None]
    return np.linalg.lstsq(root * np.column_stack([np.ones(len(x)), x]), root[:, 0] * y, rcond=None)[0]


def _drawn_subsets(size: int, generator: np.random.Generator) -> np.ndarray:
    """Different random subsets, every size alike, the empty and the full one among them."""
    wanted = generator.integers(1, size, SAMPLES)
    order = generator.random((SAMPLES, size)).argsort(1).argsort(1)
    drawn = order < wanted[:, None]
    ends = np.array([[False] * size, [True] * size])
    return np.unique(np.concatenate([ends, drawn]), axis=0)


def _local(
    case: Case,
    around: Neighbourhood,
    kind: str,
    question: str,
    values: np.ndarray,
    fidelity: Measure,
    note: str,
    **more: Any,
) -> Explanation:
    return Explanation(
        kind=kind,
        question=question,
        values=values,
        players=around.names,
        target=case.target.description,
        value=case.query_values(case.query).item(),
        baseline=None,
        baseline_name="",
        semantics="replace",
        fidelity=(fidelity,),
        notes=(note,),
        provenance=case.record(samples=len(around.earned), **more),
    )
