"""Where do the classes lie in the learned space? Prototypes on a plane, and latent codes before and after (B4)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.prototypes import HasPrototypes
from fewsight.explain.target import class_names
from fewsight.task import Support


@runtime_checkable
class HasCodes(Protocol):
    """A learner that adapts a latent code for each class (LEO)."""

    def embed_support(self, support: Support) -> tuple[Tensor, object]:
        """Support embeddings `(K, D)`, and what else the embedding needs."""

    def encode(self, embedding: Tensor, support: Support) -> tuple[Tensor, Tensor]:
        """The codes before adaptation `(N, C)`, and their spread."""

    def descend(self, code: Tensor, embedding: Tensor, support: Support) -> tuple[Tensor, Tensor]:
        """The adapted class weights, and the adapted codes `(N, C)`."""


def prototype_map(case: Case) -> Explanation:
    """Prototypes, support examples and the query on a plane, `(N + K + 1, 2)`.

    It is the plane of largest variance of the prototypes: with up to three classes it holds them all, and differences
    of squared distances to them, which decide, are the true ones. The provenance holds the "share" of the variance of
    the prototypes that the plane shows.

    Raises:
        ExplanationError: the learner has no prototypes.
    """
    learner = case.learner
    if not isinstance(learner, HasPrototypes):
        raise ExplanationError(f"{type(learner).__name__} has no prototypes")
    with case.frozen(), torch.no_grad():
        state = case.model.state
        found = (
            learner.prototypes(state),
            learner.embed_support(case.support)[0],
            learner.embed_query(state, case.query),
        )
        p, s, f = (part.double().cpu().numpy() for part in found)
    here = case.support.present.cpu().numpy() if case.support.ways is not None else np.ones(len(p), dtype=bool)
    middle, axes, share = _plane(p[here])
    names = [str(name) for name in class_names(case.support)]
    return Explanation(
        kind="prototype_map",
        question="Where do the query and the support examples lie between the prototypes of the classes?",
        values=(np.concatenate([p, s, f]) - middle) @ axes.T,
        players=tuple(
            f"{who}, {axis}"
            for who in (*(f"prototype of {name!r}" for name in names), *case.names, "the query")
            for axis in ("across", "up")
        ),
        target=case.target.description,
        value=case.query_values(case.query).item(),
        baseline=None,
        baseline_name="",
        semantics="readout",
        notes=(
            f"The plane shows {share:.1%} of the variance of the prototypes.",
            "Compare distances from one point: what lies off the plane adds the same to all of them.",
        ),
        provenance=case.record(share=share, classes=names),
    )


def latent_codes(case: Case) -> Explanation:
    """How far adaptation moved the latent code of each class, `(N,)`.

    The provenance holds the codes "before" and "after", `(N, C)`, and both on their common plane, `(N, 2)` each.

    Raises:
        ExplanationError: the learner has no latent codes.
    """
    learner = case.learner
    if not isinstance(learner, HasCodes):
        raise ExplanationError(f"{type(learner).__name__} has no latent codes")
    with case.frozen(), torch.no_grad():
        embedding, _ = learner.embed_support(case.support)
        start, _ = learner.encode(embedding, case.support)
        _, end = learner.descend(start, embedding, case.support)
    before, after = start.double().cpu().numpy(), end.double().cpu().numpy()
    middle, axes, share = _plane(np.concatenate([before, after]))
    values = np.linalg.norm(after - before, axis=1)
    apart = np.linalg.norm(before - before.mean(0), axis=1).mean()
    return Explanation(
        kind="latent_codes",
        question="How far did adaptation move the latent code of each class?",
        values=values,
        players=tuple(f"class {name!r}" for name in class_names(case.support)),
        target=case.target.description,
        value=case.query_values(case.query).item(),
        baseline=None,
        baseline_name="",
        semantics="readout",
        notes=(
            f"Before adaptation the codes lie {apart:.3g} from their mean, on average: read the moves beside that.",
        ),
        provenance=case.record(
            before=before.tolist(),
            after=after.tolist(),
            before_on_plane=((before - middle) @ axes.T).tolist(),
            after_on_plane=((after - middle) @ axes.T).tolist(),
            share=share,
        ),
    )


def _plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Middle `(D,)` and two orthonormal directions `(2, D)` of largest variance, and the share of it they hold."""
    middle = points.mean(0)
    # Rows of zeros, so that there are two directions even for one or two points.
    padded = np.concatenate([points - middle, np.zeros((2, points.shape[1]))])
    _, size, axes = np.linalg.svd(padded, full_matrices=False)
    total = np.square(size).sum()
    if len(axes) < 2:  # a single feature
        return middle, np.concatenate([axes, np.zeros_like(axes)]), 1.0
    return middle, axes[:2], float(np.square(size[:2]).sum() / total) if total else 1.0
