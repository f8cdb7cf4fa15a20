"""How do support examples, and channels, tell two classes apart? For squared distances to prototypes (A7).

z_c = -|f - p_c|^2 splits exactly over the examples of class c, and z_c - z_c' over the channels of the embedding.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.players import sole_examples
from fewsight.explain.quadrature import residual
from fewsight.task import Support
from fewsight.tree import Tree


@runtime_checkable
class HasPrototypes(Protocol):
    """A learner that compares an embedded query with one prototype for each class."""

    def embed_support(self, support: Support) -> tuple[Tensor, object]:
        """Support embeddings `(K, D)`, and what else the embedding needs."""

    def embed_query(self, state: Tree, query: Tree) -> Tensor:
        """Query embeddings `(Q, D)`."""

    def prototypes(self, state: Tree) -> Tensor:
        """One prototype for each class, `(N, D)`."""


def prototypes(case: Case) -> Explanation:
    """The contrast z_c - z_c' split over support examples, `(K,)`; exactly additive.

    z_c = sum_{i in c} (v_i / V_c) [-|f - s_i|^2 + |s_i - p_c|^2] with V_c the sum of weights of class c; examples of
    other classes have no part in this contrast.

    Raises:
        ExplanationError: no squared Euclidean prototypes here, or the target is not a contrast.
    """
    f, s, p = _embedded(case)
    sign, share = _sides(case)
    nearest = p[case.support.y.cpu().numpy()]
    values = sign * share * (np.square(s - nearest).sum(1) - np.square(f - s).sum(1))
    return _explanation(
        case,
        "prototypes",
        "How does each support example move the query towards one class and away from the other?",
        values,
        case.names,
        "This additive split is one of many: only the prototype, the mean, is seen by the learner.",
    )


def prototype_channels(case: Case) -> Explanation:
    """The contrast z_c - z_c' split over channels of the embedding, `(D,)`: 2 (p_c - p_c')_d f_d + const_d; exact."""
    f, _, p = _embedded(case)
    values = np.square(f - p[case.target.other]) - np.square(f - p[case.target.index])
    return _explanation(
        case,
        "prototype_channels",
        "Which channels of the embedding tell the two classes apart for this query?",
        values,
        tuple(f"channel {d}" for d in range(len(values))),
        "Channels of a learned embedding have no names; compare them across queries.",
    )


def prototype_leave_one_out(case: Case) -> np.ndarray:
    """Effect of leaving example i out on z_c - z_c', in closed form, `(K,)`; NaN where the class disappears with it.

    z_c(-i) = -|f - p_c|^2 - |e_i|^2 - 2 (f - p_c).e_i with e_i = (s_i - p_c) v_i / (V_c - v_i): one example in K_c
    moves the prototype by d_i / (K_c - 1). Exact where the embedding of one example does not depend on the others.
    """
    f, s, p = _embedded(case)
    sign, share = _sides(case)
    nearest = p[case.support.y.cpu().numpy()]
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = (s - nearest) * (share / (1 - share))[:, None]
    effect = np.square(moved).sum(1) + 2 * ((f - nearest) * moved).sum(1)
    return np.where(sole_examples(case), np.nan, np.where(sign == 0, 0.0, sign * effect))


def _explanation(
    case: Case, kind: str, question: str, values: np.ndarray, players: tuple[str, ...], note: str
) -> Explanation:
    full = case.query_values(case.query).item()
    return Explanation(
        kind=kind,
        question=question,
        values=values,
        players=players,
        target=case.target.description,
        value=full,
        baseline=0.0,
        baseline_name="two equal prototypes",
        semantics="readout",
        residual=residual(values, full, 0.0),
        bound=1e-4,
        notes=(note,),
        provenance=case.record(),
    )


def _embedded(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """f `(D,)`, s `(K, D)`, p `(N, D)` in float64, after making sure that the scores are their squared distances."""
    learner = case.learner
    if not isinstance(learner, HasPrototypes):
        raise ExplanationError(f"{type(learner).__name__} has no prototypes")
    if case.target.other is None:
        raise ExplanationError(
            "prototypes split a contrast of two classes: give target=('contrast', class, other class)"
        )
    with case.frozen(), torch.no_grad():
        state = case.model.state
        found = (
            learner.embed_query(state, case.query)[0],
            learner.embed_support(case.support)[0],
            learner.prototypes(state),
        )
        f, s, p = (part.double().cpu().numpy() for part in found)
        scores = learner(case.support, case.query)[0].double().cpu().numpy()
    pair = [case.target.index, case.target.other]
    distances = -np.square(f - p[pair]).sum(1)
    if not np.allclose(scores[pair], distances, rtol=1e-3, atol=1e-5):
        raise ExplanationError("the scores of this learner are not squared Euclidean distances to its prototypes")
    return f, s, p


def _sides(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """For each example, +1 for the class, -1 for the other, 0 for the rest; and its share of its own class."""
    y = case.support.y.cpu().numpy()
    sign = (y == case.target.index).astype(float) - (y == case.target.other)
    share = case.support.class_share.detach().double().cpu().numpy()[np.arange(len(y)), y]
    return sign, share
