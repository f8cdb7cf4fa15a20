"""Which part of which support example decided? Attribution to the inputs the learner adapted to (A10).

Every evaluation is a whole task: supports `(M, K, ...)` are mapped one by one or by `torch.func.vmap`, and the learner
adapts again for each. Interpolation steps are never stacked on the dimension of the examples, where they would turn
ten examples into two hundred (what happens when an attribution library is pointed at `adapt` from outside).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from fewsight import tree
from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.coalitions import over_rows
from fewsight.explain.explanation import Explanation
from fewsight.explain.inputs import Inputs, positional
from fewsight.explain.parts import Parts
from fewsight.explain.quadrature import NODES, PANELS, integrate, residual
from fewsight.task import Support
from fewsight.tree import Tree

BENDS = (
    "The prediction jumps or bends sharply somewhere on the path: ReLU units that switch during adaptation do "
    "that, and normalisation of an input without contrast, such as an empty image. Try another baseline, or "
    "support_occlusion."
)


class SupportInputs:
    """The numbers of some support examples as rows, and the task they make."""

    def __init__(self, case: Case, examples: Sequence[int] | None = None) -> None:
        self.case = case
        self.examples = tuple(range(case.support.size) if examples is None else examples)
        self.inputs = [Inputs.of(one(case.support.x, i)) for i in self.examples]
        self.vectors = torch.stack([each.vector for each in self.inputs])  # (E, P)

    def value(self, vectors: Tensor) -> Tensor:
        """F after adapting to the support with these examples `(E, P)` in their places; differentiable, float64."""
        case = self.case
        built = [each.queries(row[None]) for each, row in zip(self.inputs, vectors, strict=True)]
        rows = [one(case.support.x, i) for i in range(case.support.size)]
        for i, example in zip(self.examples, built, strict=True):
            rows[i] = example
        x = tree.tree_map(lambda *leaves: torch.cat(leaves), *rows)
        return case.target(case.learner(replace(case.support, x=x), case.query)[0].double())

    def values(self, vectors: Tensor) -> np.ndarray:
        """F of whole tasks `(M, E, P)`, `(M,)`."""
        return over_rows(self.case, "support inputs", self.value, self.value, vectors)

    def gradients(self, vectors: Tensor) -> np.ndarray:
        """dF/dx of whole tasks `(M, E, P)`, through the whole adaptation; the same shape."""

        def alone(row: Tensor) -> Tensor:
            # Plain autograd: unlike torch.func it goes through a learner that checkpoints its inner steps.
            with torch.enable_grad():
                row = row.detach().requires_grad_()
                return torch.autograd.grad(self.value(row), row, materialize_grads=True)[0].nan_to_num()

        def mapped(row: Tensor) -> Tensor:
            return torch.func.grad(self.value)(row).nan_to_num()

        return over_rows(self.case, "gradients of support inputs", mapped, alone, vectors)

    def baseline(self, given: Tree | None) -> Tensor:
        """`(E, P)`: the mean support example, or one input of the caller's for all, or one for each example.

        Positions start hidden: of them only the mask moves, and its mean is how long the examples are.
        """
        if given is None and positional(self.case.support.x):
            return torch.zeros_like(self.vectors)
        if given is None:
            every = [Inputs.of(one(self.case.support.x, i)).vector for i in range(self.case.support.size)]
            mean = torch.stack(every).nanmean(0).nan_to_num()
            return torch.where(self.vectors.isnan(), self.vectors, mean)
        if tree.length(given) == 1:
            return torch.stack([each.baseline(given) for each in self.inputs])
        if tree.length(given) != len(self.examples):
            raise ExplanationError(f"the baseline has {tree.length(given)} inputs for {len(self.examples)} examples")
        return torch.stack([each.baseline(one(given, e)) for e, each in enumerate(self.inputs)])

    def shaped(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(len(self.examples), *self.inputs[0].shape)

    @property
    def players(self) -> tuple[str, ...]:
        names = [self.case.names[i] for i in self.examples]
        return tuple(f"{name}: {part}" for name in names for part in self.inputs[0].names)


def support_gradients(case: Case, examples: Sequence[int] | None = None) -> Explanation:
    """x dF/dx for the numbers of the support examples, through the whole adaptation: `(E, ...)`.

    Args:
        examples: which ones; default all K.
    """
    support = SupportInputs(case, examples)
    slopes = support.gradients(support.vectors[None])[0]
    values = slopes * support.vectors.double().nan_to_num().cpu().numpy()
    return Explanation(
        kind="support_gradients",
        question="Which part of which support example would change the prediction if it grew a little?",
        values=support.shaped(values),
        players=support.players,
        target=case.target.description,
        value=float(support.values(support.vectors[None])[0]),
        baseline=None,
        baseline_name="",
        semantics="derivative",
        notes=(
            "First order: input times slope at one point. Where an example could not be more like the query every "
            "slope is 0; support_integrated_gradients adds up.",
        ),
        provenance=case.record(examples=list(support.examples)),
    )


def support_integrated_gradients(
    case: Case,
    examples: Sequence[int] | None = None,
    baseline: Tree | None = None,
    *,
    nodes: int = NODES,
    panels: int = PANELS,
    bound: float = 1e-2,
) -> Explanation:
    """(x - b) times the mean of dF/dx on the path on which the examples' inputs grow from b: `(E, ...)`.

    Sums to F - F(with b in their places). Labels and weights stay. By default b is the mean of the support examples,
    or, where they are made of positions (tokens, atoms, columns), has them all hidden: either way they look alike, and
    the support tells nothing.

    Args:
        examples: whose inputs move, together; default all K. One alone asks about that example among the others.
        baseline: b, one input `(1, ...)` or one for each example; default their mean, or nothing shown. What is missing
            (NaN) stays so.
        nodes, panels, bound: see `quadrature.integrate`.
    """
    support = SupportInputs(case, examples)
    start = support.baseline(baseline)
    step = (support.vectors - start).nan_to_num()

    def points(along: np.ndarray) -> Tensor:
        return start + torch.from_numpy(along).to(start)[:, None, None] * step

    def gradient(along: np.ndarray) -> np.ndarray:
        slopes = support.gradients(points(along)) * step.double().cpu().numpy()
        return slopes.reshape(len(along), -1)

    found = integrate(
        gradient,
        lambda along: support.values(points(along)),
        nodes=nodes,
        panels=panels,
        bound=bound,
        stop=case.late,
    )
    missed = residual(found.values, found.end, found.start)
    return Explanation(
        kind="support_integrated_gradients",
        question="Which part of which support example speaks for the answer, and which against it?",
        values=support.shaped(found.values),
        players=support.players,
        target=case.target.description,
        value=found.end,
        baseline=found.start,
        baseline_name=_baseline_name(case, baseline),
        semantics="replace",
        residual=missed,
        bound=bound,
        notes=(
            *((BENDS,) if missed > bound else ()),
            "Relative to the baseline: a part that equals it gets 0. Labels stay: an example in the baseline's place "
            "still counts for its class.",
        ),
        provenance=case.record(examples=list(support.examples), nodes=nodes, gradients=found.evaluations),
    )


def _baseline_name(case: Case, given: Tree | None) -> str:
    if given is not None:
        return "the baseline in the examples' places"
    if positional(case.support.x):
        return "examples with every part hidden"
    return "examples that all look like their mean"


def support_occlusion(case: Case, examples: Sequence[int] | None = None, *, patch: int | None = None) -> Explanation:
    """F - F(adapted with one part of one support example hidden), `(E, parts)`: patches, entries, tokens, atoms.

    The only one of the three for inputs that are whole numbers, such as tokens, whose positions are masked.

    Args:
        examples: which ones; default all K.
        patch: side of an image's patches in pixels; default a seventh of the image.
    """
    chosen = tuple(range(case.support.size) if examples is None else examples)
    parts = [Parts.of(one(case.support.x, i), patch) for i in chosen]
    hide, where = hiding(case, chosen, parts)

    def value(row: Tensor) -> Tensor:
        return case.target(case.learner(hide(row), case.query)[0].double())

    found = over_rows(case, "support inputs hidden", value, value, where)
    full, effect = float(found[-1]), found[-1] - found[:-1]
    values = effect.reshape(len(chosen), *parts[0].shape)
    real = np.stack([each.real for each in parts]).reshape(values.shape)
    return Explanation(
        kind="support_occlusion",
        question="How would the prediction change if one part of one support example had been hidden?",
        values=np.where(real, values, 0.0),
        players=tuple(f"{case.names[i]}: {name}" for i in chosen for name in parts[0].names),
        target=case.target.description,
        value=full,
        baseline=None,
        baseline_name="zeros" if parts[0].cells is not None else "masked positions",
        semantics="replace",
        notes=("Each part alone, adapting again: two parts that say the same thing both look unimportant.",),
        provenance=case.record(examples=list(chosen), patch=patch),
    )


def hiding(case: Case, examples: Sequence[int], parts: Sequence[Parts]) -> tuple[Callable[[Tensor], Support], Tensor]:
    """A function from rows (e, p) to the support with part p of example number e hidden, and all these rows, `(M, 2)`.

    The last row is (-1, -1): nothing is hidden. `torch.func.vmap` goes through the function.
    """
    count = len(parts[0].names)
    hidden = [each.hidden(np.eye(count, dtype=bool)) for each in parts]
    rows = torch.tensor([(e, p) for e in range(len(examples)) for p in range(count)] + [(-1, -1)])

    def hide(row: Tensor) -> Support:
        x = case.support.x
        for e, i in enumerate(examples):
            here = row[0] == e

            def put(leaf: Tensor, other: Tensor, i: int = i, here: Tensor = here) -> Tensor:
                changed = torch.where(here, other.index_select(0, row[1:].clamp(min=0))[0], leaf[i])
                return torch.cat([leaf[:i], changed[None], leaf[i + 1 :]])

            x = tree.tree_map(put, x, hidden[e])
        return replace(case.support, x=x)

    return hide, rows


def one(x: Tree, i: int) -> Tree:
    """Example i with its leading dimension."""
    return tree.take(x, slice(i, i + 1))
