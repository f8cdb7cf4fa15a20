"""Which support example made the adapted prediction differ from the un-adapted one? The path from one to the other.

Aumann-Shapley values (A4): all weights rise together from 0 to their full size, and each example is credited with
what its own weight does on the way. Any differentiable learner, any number of examples; the values add up.
"""

from __future__ import annotations

import numpy as np
import torch

from fewsight.explain import coalitions
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.quadrature import NODES, PANELS, integrate, residual

JUMPS = (
    "The prediction jumps somewhere on the path, or bends too often for the time given: ReLU units that switch during "
    "adaptation do that, and no derivative sees a jump. Exact values by subsets are not affected."
)


def path(case: Case, *, nodes: int = NODES, panels: int = PANELS, bound: float = 1e-3) -> Explanation:
    """phi_i = integral over a in [0, 1] of v_i dF/dv_i(a v), `(K,)`; sums to F(adapted) - F(un-adapted).

    Aumann & Shapley, "Values of Non-Atomic Games", 1974. Removal is by "drop": under renormalisation the prediction
    is the same all along this path.

    Args:
        nodes: Gauss-Legendre nodes of a panel; 16 are exact to rounding for smooth networks.
        panels: the most pieces that the path is cut into where the network has kinks (ReLU).
        bound: the share of the change that may be missed; above it the path is cut further.
    """
    weight = case.support.weight.detach()

    def rows(points: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(points).to(weight)[:, None] * weight

    def gradient(points: np.ndarray) -> np.ndarray:
        return coalitions.gradients(case, rows(points)) * weight.double().cpu().numpy()

    found = integrate(
        gradient,
        lambda points: coalitions.at(case, rows(points)),
        nodes=nodes,
        panels=panels,
        bound=bound,
        stop=case.late,
    )
    missed = residual(found.values, found.end, found.start)
    return Explanation(
        kind="path",
        question="How much of the way from the un-adapted to the adapted prediction is each support example's doing?",
        values=found.values,
        players=case.names,
        target=case.target.description,
        value=found.end,
        baseline=found.start,
        baseline_name="the un-adapted model",
        semantics="drop",
        residual=missed,
        bound=bound,
        notes=(
            *((JUMPS,) if missed > bound else ()),
            "Credit along one path, on which all examples arrive together; Shapley values average over all orders.",
        ),
        provenance=case.record(nodes=nodes, gradients=found.evaluations),
    )
