"""How do support examples add up in a kernel head? Exactly: ridge regression, and a linear head adapted alone (A8).

Two splits of the same scores. *Votes* (ridge): z = sum_i alpha_i(x) y_i, each example speaks for its own label only.
*Kernel* (ridge, ANIL at any number of steps): z = z_0 + sum_i (<phi_i, phi(x)> c_i + o_i), likeness times how wrong
the head was about the example while it learned.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from fewsight.errors import ExplanationError, LearnerError
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.players import sole_examples
from fewsight.explain.prototypes import HasPrototypes
from fewsight.explain.quadrature import residual
from fewsight.task import Support
from fewsight.tree import Tree


@runtime_checkable
class HasDual(Protocol):
    """A learner whose scores are k G Y, with G = (K + Lambda)^-1 of a kernel K among the support examples."""

    def dual(self, support: Support, query: Tree) -> tuple[Tensor, Tensor, Tensor]:
        """k `(Q, K)`, G `(K, K)`, Y `(K, N)`."""


@runtime_checkable
class HasKernelForm(Protocol):
    """A learner whose scores are start + sum_i (<support_i, query> coefficients_i + offsets_i)."""

    def kernel_form(self, support: Support, query: Tree) -> dict[str, Tensor]:
        """Those parts by name: `(Q, N)`, features `(K, D)` and `(Q, D)`, `(K, N)`, `(K, N)`. LearnerError: not here."""


def kernel_votes(case: Case) -> Explanation:
    """alpha_i (y_ic - y_ic') of a contrast, `(K,)`, or alpha_i y_i in regression; sums to the target.

    alpha(x) = k(x) G. Bertinetto et al., "Meta-learning with differentiable closed-form solvers", 2019, equation 5.

    Raises:
        ExplanationError: no such head, or a target that is not linear in the scores.
    """
    kernel, inverse, answers = _dual(case)
    votes = (kernel @ inverse) * (answers @ direction(case))
    return _explanation(
        case,
        "kernel_votes",
        "How much does each support example's own label weigh in the answer?",
        votes,
        0.0,
        "no vote",
        "The weight of an example may be negative, and depends on which other examples are there.",
    )


def kernel(case: Case) -> Explanation:
    """(<phi_i, phi(x)> c_i + o_i) towards the target, `(K,)`; sums to F - F_0, F_0 before any example has spoken.

    c_i = -sum_t a_t s_i (p_i^t - y_i) for an adapted head (ANIL): an example that the head got right from the start
    adds nothing, however alike. For ridge c_i is its residual over lambda.

    Raises:
        ExplanationError: no such head, or a target that is not linear in the scores.
    """
    form, aim = kernel_parts(case), direction(case)
    likeness = form["support"] @ form["query"][0]
    values = likeness * (form["coefficients"] @ aim) + form["offsets"] @ aim
    return _explanation(
        case,
        "kernel",
        "What did each support example write into the head, and how much of it does this query meet?",
        values,
        float(form["start"][0] @ aim),
        "the head before adaptation",
        "Likeness times what the head had to learn from the example; an example it knew already adds little.",
    )


def kernel_leave_one_out(case: Case, *, drop: bool = False) -> np.ndarray:
    """F - (F without example i) in closed form for kernel votes, `(K,)`; any target.

    The scores change by alpha_i [G Y]_i / G_ii. Without `drop`, NaN where a class disappears with the example. The
    learner does not normalise weights, so that apart from this "drop" and "renormalise" are the same. Exact where the
    embedding of one example does not depend on the others (no support statistics).
    """
    kernel_row, inverse, answers = _dual(case)
    own = np.diag(inverse)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = ((kernel_row @ inverse) / own)[:, None] * (inverse @ answers)
    change = np.where(own[:, None] == 0, 0.0, change)  # what has no weight is not there
    scores = kernel_row @ inverse @ answers
    if case.support.ways is not None:
        scores = np.where(case.support.present.cpu().numpy(), scores, -np.inf)
    targets = case.target(torch.from_numpy(np.concatenate([scores[None], scores - change]))).numpy()
    effect = targets[0] - targets[1:]
    return effect if drop else np.where(sole_examples(case), np.nan, effect)


def without_votes(case: Case) -> str:
    """Why `kernel_votes` is not defined here, or ""."""
    return "" if isinstance(case.learner, HasDual) else "the learner's head is not a kernel regression"


def without_kernel(case: Case) -> str:
    """Why `kernel` is not defined here, or ""."""
    if isinstance(case.learner, HasPrototypes):
        return "prototypes say it in terms of the classes"
    try:
        kernel_parts(case)
    except ExplanationError as error:
        return str(error)
    return ""


def direction(case: Case) -> np.ndarray:
    """The target as a row over the scores, `(N,)` float64: F = scores . row.

    Raises:
        ExplanationError: the target is not linear in the scores (a margin, a probability, a loss).
    """
    if case.target.kind not in ("contrast", "value"):
        raise ExplanationError(
            f"scores are split, and {case.target.description} is not linear in them: "
            "give target=('contrast', class, other class)"
        )
    with case.frozen(), torch.no_grad():
        outputs = case.model(case.query).shape[-1]
    row = np.zeros(outputs)
    row[case.target.index] = 1.0
    if case.target.other is not None:
        row[case.target.other] = -1.0
    return row


def kernel_parts(case: Case) -> dict[str, np.ndarray]:
    """The kernel form in float64, after making sure that it gives the scores.

    Raises:
        ExplanationError: the learner has none, or its inner optimizer is not linear in the gradients.
    """
    learner = case.learner
    if not isinstance(learner, HasKernelForm):
        raise ExplanationError(f"the scores of {type(learner).__name__} are no sum of inner products")
    try:
        with case.frozen(), torch.no_grad():
            found = learner.kernel_form(case.support, case.query)
            scores = learner.score(case.model.state, case.query).double().cpu().numpy()
    except LearnerError as error:
        raise ExplanationError(str(error)) from error
    form = {name: part.double().cpu().numpy() for name, part in found.items()}
    summed = form["start"] + form["query"] @ form["support"].T @ form["coefficients"] + form["offsets"].sum(0)
    if not np.allclose(summed, scores, rtol=1e-3, atol=1e-4):
        raise ExplanationError(
            "the steps of this learner's inner optimizer are not linear in the gradients, so examples do not add up"
        )
    return form


def _dual(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """k `(K,)`, G `(K, K)` and Y `(K, N)` in float64."""
    learner = case.learner
    if not isinstance(learner, HasDual):
        raise ExplanationError(f"the head of {type(learner).__name__} is not a kernel regression")
    with case.frozen(), torch.no_grad():
        row, inverse, answers = (part.double().cpu().numpy() for part in learner.dual(case.support, case.query))
    return row[0], inverse, answers


def _explanation(
    case: Case, kind: str, question: str, values: np.ndarray, baseline: float, baseline_name: str, note: str
) -> Explanation:
    full = case.query_values(case.query).item()
    return Explanation(
        kind=kind,
        question=question,
        values=values,
        players=case.names,
        target=case.target.description,
        value=full,
        baseline=baseline,
        baseline_name=baseline_name,
        semantics="readout",
        residual=residual(values, full, baseline),
        bound=1e-4,
        notes=(note,),
        provenance=case.record(),
    )
