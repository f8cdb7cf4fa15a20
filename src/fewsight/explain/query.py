"""Which part of the query decided? Saliency, integrated gradients and occlusion of the adapted model (A1).

The learner adapts once; after that only queries vary, each of them alone in front of the adapted model. So the
support set is never stacked along with interpolation steps, and queries that would influence each other (a
transductive learner) are evaluated one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fewsight import tree
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.inputs import Inputs
from fewsight.explain.progress import bar
from fewsight.explain.quadrature import NODES, PANELS, integrate, residual

BATCH = 64
"""Queries in front of the model at a time."""
TRANSDUCTIVE = (
    "This learner is transductive: the explanation holds for the query alone, not for it among other queries."
)


def saliency(case: Case) -> Explanation:
    """dF/dx of the adapted model, the shape of the query. Simonyan, Vedaldi & Zisserman 2014."""
    inputs = Inputs.of(case.query, case.parts)
    return Explanation(
        kind="saliency",
        question="Where would a small change of the query change the prediction most?",
        values=inputs.shaped(query_gradients(case, inputs, inputs.vector[None])[0]),
        players=inputs.names,
        target=case.target.description,
        value=query_values(case, inputs, inputs.vector[None]).item(),
        baseline=None,
        baseline_name="",
        semantics="derivative",
        notes=_notes(case, "A derivative at one point: it says nothing about what is large but flat there."),
        provenance=case.record(),
    )


def integrated_gradients(
    case: Case,
    baseline: tree.Tree | None = None,
    *,
    nodes: int = NODES,
    panels: int = PANELS,
    bound: float = 1e-2,
) -> Explanation:
    """(x - b) times the mean gradient on the straight path from b to x; sums to F(x) - F(b).

    Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks", 2017, equation 1.

    Args:
        baseline: b, a query `(1, ...)` or `(...)`; default zeros (background). A missing value (NaN) stays missing.
        nodes, panels, bound: see `quadrature.integrate`.
    """
    inputs = Inputs.of(case.query, case.parts)
    start = inputs.baseline(baseline)
    step = (inputs.vector - start).nan_to_num()

    def points(along: np.ndarray) -> Tensor:
        return start + torch.from_numpy(along).to(start)[:, None] * step

    found = integrate(
        lambda along: query_gradients(case, inputs, points(along)) * step.double().cpu().numpy(),
        lambda along: query_values(case, inputs, points(along)).cpu().numpy(),
        nodes=nodes,
        panels=panels,
        bound=bound,
        stop=case.late,
    )
    return Explanation(
        kind="integrated_gradients",
        question="Which part of the query speaks for the answer, and which against it?",
        values=inputs.shaped(found.values),
        players=inputs.names,
        target=case.target.description,
        value=found.end,
        baseline=found.start,
        baseline_name="the empty query (zeros)" if baseline is None else "the baseline query",
        semantics="replace",
        residual=residual(found.values, found.end, found.start),
        bound=bound,
        notes=_notes(case, "Relative to the baseline: a part that equals it gets 0, however telling its emptiness is."),
        provenance=case.record(nodes=nodes, gradients=found.evaluations),
    )


def occlusion(case: Case, baseline: tree.Tree | None = None, *, patch: int | None = None) -> Explanation:
    """F(x) - F(x with one patch set to the baseline), one value for each patch. Zeiler & Fergus 2014.

    An image `(C, H, W)` gives a grid of patches, positions under a mask one value each, any other tensor one value for
    each entry of its first dimension.

    Args:
        patch: side of a patch in pixels; default a seventh of the image.
    """
    inputs = Inputs.of(case.query, case.parts)
    cells = inputs.cells(patch)
    start = inputs.baseline(baseline)
    count = int(cells.max()) + 1
    covered = torch.from_numpy(cells).to(start.device) == torch.arange(count, device=start.device)[:, None]
    hidden = query_values(case, inputs, torch.where(covered, start, inputs.vector))
    full = query_values(case, inputs, inputs.vector[None])
    shape = inputs.grid(patch)
    return Explanation(
        kind="occlusion",
        question="How does the prediction change when one patch of the query is hidden?",
        values=(full - hidden).cpu().numpy().reshape(shape),
        players=inputs.names if len(inputs.names) == count else tuple(f"patch {index}" for index in np.ndindex(*shape)),
        target=case.target.description,
        value=full.item(),
        baseline=None,
        baseline_name="zeros" if baseline is None else "the baseline query",
        semantics="replace",
        notes=_notes(case, "Each patch alone: two patches that say the same thing both look unimportant."),
        provenance=case.record(patch=patch, evaluations=count + 1),
    )


def query_values(case: Case, inputs: Inputs, vectors: Tensor) -> Tensor:
    """F of queries given as rows `(M, P)`, `(M,)` float64."""
    with torch.no_grad():
        return in_batches(case, vectors, lambda part: case.query_values(inputs.queries(part)))


def query_gradients(case: Case, inputs: Inputs, vectors: Tensor) -> np.ndarray:
    """dF/dx at queries given as rows `(M, P)`, `(M, P)` float64."""

    def slopes(part: Tensor) -> Tensor:
        with torch.enable_grad():
            part = part.detach().requires_grad_()
            # Queries do not influence each other, so the gradient of the sum holds each one's own.
            total = case.query_values(inputs.queries(part)).sum()
            return torch.autograd.grad(total, part, materialize_grads=True)[0].nan_to_num()

    return in_batches(case, vectors, slopes).double().cpu().numpy()


def in_batches(case: Case, rows: tree.Tree, function: Callable[[tree.Tree], Tensor]) -> Tensor:
    """`function` of rows `(M, ...)`, portion by portion; one by one where queries would influence each other."""
    size = 1 if case.learner.transductive else BATCH

    found = []
    with bar("asking the adapted model", tree.length(rows), case.clock) as progress:
        for start in range(0, tree.length(rows), size):
            with case.frozen():
                found.append(function(tree.take(rows, slice(start, start + size))))
            progress.advance(len(found[-1]))
    return torch.cat(found)


def _notes(case: Case, *notes: str) -> tuple[str, ...]:
    return (TRANSDUCTIVE, *notes) if case.learner.transductive else notes
