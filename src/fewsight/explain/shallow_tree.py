"""Which few questions, one after the other, lead to what the adapted model says around the query? (C5)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.held_out import HeldOut
from fewsight.explain.neighbourhood import AROUND, Features, neighbourhood

DEPTH = 3
"""Questions that a tree may ask in a row."""


def tree(
    case: Case, features: Features | None = None, names: Sequence[str] | None = None, *, depth: int = DEPTH
) -> Explanation:
    """Importances of a shallow decision tree for F around the query, `(F,)`; they sum to 1. `provenance` has the tree.

    Args:
        features, names: see `sparse_linear`.
        depth: questions in a row at most.
    """
    from sklearn.tree import DecisionTreeRegressor, export_text

    around = neighbourhood(case, features, names)

    def grown(x: np.ndarray, y: np.ndarray) -> Any:
        return DecisionTreeRegressor(max_depth=depth, min_samples_leaf=5, random_state=0).fit(x, y)

    found = grown(around.readable, around.earned)
    return around.explanation(
        case,
        "tree",
        "Which few questions about the query lead to what the adapted model says around it?",
        found.feature_importances_,
        (HeldOut.of(around.readable, around.earned, lambda x, y, w: grown(x, y).predict).r2(AROUND),),
        (f"A tree of at most {depth} questions in a row, for {around.what}.",),
        tree=export_text(found, feature_names=list(around.names), decimals=3),
    )
