"""Which place of the query matched which place of which support example? Pairs of places of the feature map (A10).

Where the scores are sums of inner products of features (prototypes, ridge, an adapted linear head) and features are the
flattened or averaged map, <phi_i, phi(x)> is itself a sum over pairs of places, so the answer splits exactly. Elsewhere
there is the cosine between places, which is likeness and not effect; or, for any input, hiding both places of a pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.coalitions import over_rows
from fewsight.explain.explanation import Explanation
from fewsight.explain.kernel import direction, kernel_parts
from fewsight.explain.parts import Parts
from fewsight.explain.quadrature import residual
from fewsight.explain.support_inputs import hiding, one
from fewsight.tree import Tree

Match = tuple[int, tuple[int, ...], tuple[int, ...]]
"""A support example, a place of the query and a place of the example."""


def correspondence(case: Case) -> Explanation:
    """Values of pairs of places, `(K, query places, example places)`: exact where they add up, else the cosine.

    Places are those of the network's last feature map that has more than one, row by row; `provenance["grid"]` says how
    many rows and columns.

    Raises:
        ExplanationError: the network has no such map (it is not convolutional): use `correspondence_occlusion`.
    """
    queries, examples = feature_map(case, case.query), feature_map(case, case.support.x)
    try:
        return _exact(case, queries, examples)
    except ExplanationError as error:
        reason = str(error)
    f, s = _places(queries)[0], _places(examples)
    # A place without any activity is like nothing.
    f, s = (part / np.maximum(np.linalg.norm(part, axis=-1, keepdims=True), 1e-12) for part in (f, s))
    return _explanation(
        case,
        np.einsum("ld,imd->ilm", f, s),
        queries.shape[2:],
        target="cosine between places of the feature map",
        notes=("Likeness, not effect: places may be alike and not matter.", f"No exact split: {reason}."),
    )


def correspondence_occlusion(
    case: Case, examples: Sequence[int] | None = None, *, patch: int | None = None
) -> Explanation:
    """What a pair of parts does together: F - F(x without p) - F(S without s) + F(both hidden), `(E, parts, parts)`.

    Positive: the part of the query speaks for the answer because of that part of the example. Adapts again for each
    part of each example; any learner, any input that has parts (patches, entries, tokens).

    Args:
        examples: which ones; default all K.
        patch: side of an image's patches in pixels; default a seventh of the image.
    """
    chosen = tuple(range(case.support.size) if examples is None else examples)
    asked = Parts.of(case.query, patch)
    parts = [Parts.of(one(case.support.x, i), patch) for i in chosen]
    hide, rows = hiding(case, chosen, parts)
    count = len(asked.names)
    # The query as it is, and with each of its parts hidden.
    queries = asked.hidden(np.concatenate([np.zeros((1, count), dtype=bool), np.eye(count, dtype=bool)]))

    def value(row: Tensor) -> Tensor:
        model = case.learner.adapt(hide(row))
        if not case.learner.transductive:
            return case.target(model(queries).double())
        return case.target(torch.cat([model(one(queries, q)) for q in range(count + 1)]).double())

    found = over_rows(case, "pairs of hidden parts", value, value, rows)
    lost = found[-1:] - found[:-1]  # what hiding a part of an example costs, for each state of the query
    values = (lost[:, :1] - lost[:, 1:]).reshape(len(chosen), -1, count).transpose(0, 2, 1)
    real = asked.real[None, :, None] & np.stack([each.real for each in parts])[:, None, :]
    return Explanation(
        kind="correspondence_occlusion",
        question="Which part of the query speaks for the answer because of which part of which support example?",
        values=np.where(real, values, 0.0),
        players=tuple(f"pairs with {case.names[i]}" for i in chosen),
        target=case.target.description,
        value=float(found[-1, 0]),
        baseline=None,
        baseline_name="zeros" if asked.cells is not None else "masked positions",
        semantics="replace",
        notes=("What hiding both does beyond hiding each; 0 where either hides nothing of importance.",),
        provenance=case.record(grid=list(asked.shape), examples=list(chosen), patch=patch),
    )


def matches(explanation: Explanation, most: int = 5) -> list[Match]:
    """The strongest pairs of a correspondence, the largest value first."""
    grid = explanation.provenance["grid"]
    examples = explanation.provenance.get("examples", range(len(explanation.values)))
    order = np.argsort(-explanation.values.reshape(-1), kind="stable")[:most]
    found = []
    for i, query, place in zip(*np.unravel_index(order, explanation.values.shape), strict=True):
        here, there = (tuple(int(n) for n in np.unravel_index(p, grid)) for p in (query, place))
        found.append((int(examples[i]), here, there))
    return found


def feature_map(case: Case, inputs: Tree) -> Tensor:
    """The last feature map `(B, C, H, W)` with more than one place that the adapted model makes of `inputs`.

    Support examples are shown to the adapted model like queries: both are seen by the same function.
    """
    found: list[Tensor] = []

    def keep(module: nn.Module, given: Any, made: Any) -> None:
        if isinstance(made, Tensor) and made.ndim == 4 and made.shape[2] * made.shape[3] > 1:
            found[:] = [made.detach().double().cpu()]

    hooks = [module.register_forward_hook(keep) for module in case.learner.modules()]
    try:
        with case.frozen(), torch.no_grad():
            case.model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise ExplanationError("the network has no feature map with places: use correspondence_occlusion")
    return found[0]


def _places(maps: Tensor) -> np.ndarray:
    """`(B, places, C)`."""
    return maps.flatten(2).mT.numpy()


def _exact(case: Case, queries: Tensor, examples: Tensor) -> Explanation:
    """The split of the target over pairs of places."""
    aim, form = direction(case), kernel_parts(case)
    f, s, weight = _shown_in(form, queries, examples)
    values = np.einsum("ld,imd->ilm", f, s) * weight * (form["coefficients"] @ aim)[:, None, None]
    baseline = float((form["start"][0] + form["offsets"].sum(0)) @ aim)
    full = case.query_values(case.query).item()
    return _explanation(
        case,
        values,
        queries.shape[2:],
        target=case.target.description,
        notes=("Exact: the target is the sum over all pairs of places, and what is the same for every place.",),
        value=full,
        baseline=baseline,
        baseline_name="what is the same for every place",
        residual=residual(values, full, baseline),
        bound=1e-4,
    )


def _shown_in(form: dict[str, np.ndarray], query: Tensor, support: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places of query `(L, C)` and examples `(K, L, C)`, and weights `(L, L)` of pairs that give inner products."""
    f, s = _places(query)[0], _places(support)
    count = len(f)
    for made, weight in (
        (lambda maps: maps.flatten(1), np.eye(count)),
        (lambda maps: maps.mean((2, 3)), np.full((count, count), count**-2.0)),
    ):
        if all(
            made(maps).shape == form[name].shape and np.allclose(made(maps).numpy(), form[name], rtol=1e-3, atol=1e-5)
            for name, maps in (("query", query), ("support", support))
        ):
            return f, s, weight
    raise ExplanationError("the features are neither the flattened nor the averaged last feature map")


def _explanation(case: Case, values: np.ndarray, grid: Sequence[int], **fields: Any) -> Explanation:
    return Explanation(
        kind="correspondence",
        question="Which place of the query matched which place of which support example?",
        values=values,
        players=tuple(f"pairs with {name}" for name in case.names),
        **({"value": float(values.max()), "baseline": None, "baseline_name": ""} | fields),
        semantics="readout",
        provenance=case.record(grid=list(grid)),
    )
