"""How much of the answer is each support example's vote? The attention of learners that answer by it (A6).

p(y | x) = sum_i a_i y_i, so example i gives class c exactly a_i [y_i = c]. That is a readout, not an effect: where
the answer is certain, taking out an example of high attention may change nothing.
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
from fewsight.explain.target import class_names, probability, value
from fewsight.tree import Tree


@runtime_checkable
class Attends(Protocol):
    """A learner whose answer is the attention-weighted mean of the support labels."""

    def attention(self, state: Tree, query: Tree) -> Tensor:
        """Weights of the support examples for each query, `(Q, K)`."""


def attention(case: Case) -> Explanation:
    """a_i [y_i = c] for the target's class c, `(K,)`; sums to p_c. In regression a_i y_i; sums to the value.

    Vinyals et al., "Matching Networks for One Shot Learning", 2016, equation 1.

    Raises:
        ExplanationError: the learner does not answer by attention.
    """
    votes = _weights(case) * _votes(case)
    case = as_votes(case)
    full = case.query_values(case.query).item()
    return Explanation(
        kind="attention",
        question="How much of the answer is each support example's vote?",
        values=votes,
        players=case.names,
        target=case.target.description,
        value=full,
        baseline=0.0,
        baseline_name="no vote",
        semantics="readout",
        residual=residual(votes, full, 0.0),
        bound=1e-4,
        notes=("A readout, not an effect: see leave_one_out for what happens without an example.",),
        provenance=case.record(),
    )


def attention_leave_one_out(case: Case) -> np.ndarray:
    """p_c - (p_c without i) = a_i ([y_i = c] - p_c) / (1 - a_i) in closed form, `(K,)`; NaN where a class disappears.

    Exact where the embedding of one example does not depend on the others (no full-context embedding, no support
    statistics); elsewhere only adapting again tells.
    """
    share, vote = _weights(case), _votes(case)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = share * (vote - share @ vote) / (1 - share)
    return np.where(sole_examples(case), np.nan, effect)


def _weights(case: Case) -> np.ndarray:
    if not isinstance(case.learner, Attends):
        raise ExplanationError(f"{type(case.learner).__name__} does not answer by attention over the support examples")
    with case.frozen(), torch.no_grad():
        return case.learner.attention(case.model.state, case.query)[0].double().cpu().numpy()


def _votes(case: Case) -> np.ndarray:
    """What each example votes for, as seen from the target: 1 for its class; its value in regression."""
    y = case.support.y.cpu()
    if case.support.ways is None:
        return y[:, case.target.index].double().numpy()
    return (y == case.target.index).double().numpy()


def as_votes(case: Case) -> Case:
    """The case with what is voted on for its target: the probability of its class, or its value in regression."""
    if case.support.ways is None:
        return case.toward(value(case.target.index))
    return case.toward(probability(case.target.index, tuple(str(name) for name in class_names(case.support))))
