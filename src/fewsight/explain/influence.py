"""Which support example matters, to first order? The derivative of the prediction in the weight of each example.

It goes through the whole unrolled adaptation (A3), so it assumes nothing about convergence; it costs about one backward
pass for any number of examples. It says what a *small* change of weight does, not what removal does.
"""

from __future__ import annotations

from fewsight.explain.case import Case
from fewsight.explain.coalitions import gradients, present
from fewsight.explain.explanation import Explanation


def influence(case: Case, *, drop: bool = True) -> Explanation:
    """v_i dF/dv_i at the present weights, `(K,)`: the first-order effect of taking example i out.

    Args:
        drop: the other examples keep their share as the weight falls; False: the shares are renormalised.
    """
    weight = case.support.weight
    slopes = gradients(case, weight[None], drop=drop)[0]
    return Explanation(
        kind="influence",
        question="How fast does the prediction change as the weight of each support example changes?",
        values=slopes * weight.detach().double().cpu().numpy(),
        players=case.names,
        target=case.target.description,
        value=present(case),
        baseline=None,
        baseline_name="",
        semantics="derivative",
        notes=("First order: it says what a small change of weight does; leave_one_out says what removal does.",),
        provenance=case.record(removal="drop" if drop else "renormalise"),
    )
