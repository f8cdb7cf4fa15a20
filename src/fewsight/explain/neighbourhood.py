"""What does the adapted model say around the query? Changed queries, in features that people read, and F of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.inputs import Inputs
from fewsight.explain.parts import Parts
from fewsight.explain.query import in_batches
from fewsight.tree import Tree

SAMPLES = 512
"""Changed queries that a surrogate is made from."""
AROUND = "variance of F around the query that the surrogate explains, on changed queries it was not fitted to"

Features = Callable[[Tree], np.ndarray]
"""Inputs `(M, ...)` to readable features `(M, F)`."""


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Changed queries in readable features, and what the adapted model says of them.

    Attributes:
        readable: features of the changed queries, `(M, F)`.
        earned: F of each, `(M,)`.
        own: features of the query itself, `(F,)`.
        names: of the features.
        what: how the queries were changed.
    """

    readable: np.ndarray
    earned: np.ndarray
    own: np.ndarray
    names: tuple[str, ...]
    what: str

    @property
    def standard(self) -> np.ndarray:
        """Features of mean 0 and deviation 1; constant ones 0."""
        spread = self.readable.std(0)
        return (self.readable - self.readable.mean(0)) / np.where(spread > 0, spread, 1.0)

    def explanation(
        self,
        case: Case,
        kind: str,
        question: str,
        values: np.ndarray,
        fidelity: tuple[Measure, ...],
        notes: tuple[str, ...],
        **more: Any,
    ) -> Explanation:
        """What a surrogate that was fitted here says: a value for each readable feature."""
        return Explanation(
            kind=kind,
            question=question,
            values=values,
            players=self.names,
            target=case.target.description,
            value=case.query_values(case.query).item(),
            baseline=None,
            baseline_name="",
            semantics="replace",
            fidelity=fidelity,
            notes=notes,
            provenance=case.record(samples=len(self.earned), **more),
        )


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
        rows, titles = np.nan_to_num(np.vstack([center, moved])), inputs.names
        what = "queries whose numbers vary half as the support's do"
    else:
        parts = Parts.of(case.query, names=case.parts)
        hide = generator.random((samples, len(parts.names))) < 0.5
        queries = parts.hidden(hide)
        shown = np.vstack([np.ones_like(hide[:1]), ~hide])
        rows, titles = (shown & parts.real).astype(float), parts.names
        what = "queries with a random half of their parts hidden"
    with torch.no_grad():
        found = in_batches(case, queries, case.query_values).cpu().numpy()
    if features is not None:
        titles = tuple(names or ())
        rows = np.concatenate([np.asarray(features(asked), dtype=float) for asked in (case.query, queries)])
        if rows.shape != (samples + 1, len(titles)):
            raise ExplanationError(
                f"features must give one row for each of {samples + 1} inputs and one column for each of "
                f"{len(titles)} names, got {rows.shape}"
            )
    return Neighbourhood(rows[1:], found, rows[0], tuple(titles), what)
