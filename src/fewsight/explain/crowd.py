"""What do support examples do to many queries at once? One adaptation, all queries in front of it.

A crowd is a `Case` whose scores are those of Q queries, so whatever explains one prediction explains the mean over all
of them: subsets, path, influence, fidelity and controls. Each coalition is adapted to once, however many queries there
are and whatever is then asked of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils import _pytree as pytree

from fewsight import tree
from fewsight.errors import ExplanationError, suggest
from fewsight.explain import coalitions
from fewsight.explain.case import Case
from fewsight.explain.players import sole_examples
from fewsight.explain.target import Target, class_names
from fewsight.learner import Learner
from fewsight.task import Support
from fewsight.tree import Tree

OWN = "the model's own answers"


@dataclass(frozen=True, eq=False)
class Crowd(Case):
    """Q queries under one support set; F is a number for all of them, by default their mean log-likelihood.

    Attributes:
        query: `(Q, ...)`.
        truth: class indices `(Q,)` or values `(Q, d)`: what the queries should answer.
        labelled: False where `truth` is only what the model itself answers, because nobody knows better.
        query_names: a name for each query.
    """

    truth: Tensor = None  # type: ignore[assignment]  # `crowd` always gives it
    labelled: bool = True
    query_names: tuple[str, ...] = ()

    def scores(self, weight: Tensor, *, drop: bool) -> Tensor:
        """Scores `(Q, N)` after adapting once; differentiable."""
        model = self.learner.adapt(self.support.reweighted(weight, drop=drop))
        if not self.learner.transductive:
            return model(self.query)
        return torch.cat([model(tree.take(self.query, slice(q, q + 1))) for q in range(self.size)])

    @property
    def size(self) -> int:
        """Q."""
        return self.truth.shape[0]

    @property
    def told(self) -> str:
        """Whose answers the queries are held against."""
        return "the given answers" if self.labelled else OWN

    def each(self) -> Self:
        """F of each query by itself, `(..., Q)`: minus its loss, so that what helps is positive."""
        return self.toward(_target(lambda scores: -losses(scores, self.truth), f"minus the loss against {self.told}"))

    def mean(self) -> Self:
        """F is the mean over the queries: minus their loss."""
        text = f"minus the mean loss of {self.size} queries against {self.told}"
        return self.toward(_target(lambda scores: -losses(scores, self.truth).mean(-1), text))

    def pushed(self, queries: Sequence[int], answer: int, truth: int, text: str) -> Self:
        """F is the mean contrast z_answer - z_truth of some queries: how far they are pushed to that answer."""
        chosen = list(queries)
        contrast = _target(lambda z: (z[..., chosen, answer] - z[..., chosen, truth]).mean(-1), text)
        return self.toward(contrast)

    def answers(self) -> np.ndarray:
        """Scores of all queries with the whole support, `(Q, N)` float64."""
        return coalitions.scores(self, self.support.weight.detach()[None])[0]

    def unadapted(self) -> np.ndarray:
        """The same from the un-adapted model."""
        return coalitions.scores(self, torch.zeros_like(self.support.weight)[None])[0]

    def without_each(self) -> np.ndarray:
        """Scores `(K, Q, N)` after truly adapting without example i; NaN where its class (or everything) goes too."""
        size = self.support.size
        found = np.full((size, *self.answers().shape), np.nan)
        stays = ~sole_examples(self)
        if stays.any():
            weight = self.support.weight.detach()
            rows = torch.from_numpy(~np.eye(size, dtype=bool)[stays]).to(weight) * weight
            found[stays] = coalitions.scores(self, rows, drop=False)
        return found


def crowd(
    learner: Learner,
    support: Support,
    queries: Tree,
    truth: Sequence[Hashable] | Tensor | None = None,
    *,
    names: Sequence[str] | None = None,
    query_names: Sequence[str] | None = None,
    seed: int = 0,
    repeatable: bool = False,
) -> Crowd:
    """The queries `(Q, ...)` in front of `learner` adapted to `support`.

    Args:
        truth: what the queries should answer: labels, class indices as an integer tensor `(Q,)`, or in regression
            values `(Q,)` / `(Q, d)`; None: nobody knows, and the model's own answers take their place.
        names, query_names: names of support examples and queries, by default their numbers.
        repeatable: see `Case`.

    Raises:
        ExplanationError: queries that do not fit the support, unknown labels, fewer than two classes with examples, or
            answers that are not finite.
    """
    if pytree.tree_structure(queries) != pytree.tree_structure(support.x):
        raise ExplanationError("the queries are not of the support's kind: give inputs built like those of the support")
    size = tree.length(queries)
    if not size:
        raise ExplanationError("there are no queries: give at least one")
    if support.ways is not None and int(support.present.sum()) < 2:
        raise ExplanationError("only one class has support examples, so nothing speaks against it: give two classes")
    made = Crowd(
        learner,
        support,
        queries,
        _target(lambda scores: scores, "scores"),
        _names(names, support.size, "support", "support example"),
        seed,
        repeatable=repeatable,
        truth=torch.zeros(size, dtype=torch.int64),
        query_names=_names(query_names, size, "query", "query"),
    )
    scores = torch.from_numpy(made.answers())
    if not bool(torch.isfinite(scores).all()):
        raise ExplanationError("an answer is not finite (NaN or infinity): check queries and support for NaN")
    own = scores if support.ways is None else scores.argmax(-1)
    made = replace(made, truth=own if truth is None else _truth(truth, support, size), labelled=truth is not None)
    return made.mean()


def losses(scores: Tensor, truth: Tensor) -> Tensor:
    """Loss of each query, scores `(..., Q, N)` to `(..., Q)`: cross-entropy, or mean squared error of values."""
    if truth.is_floating_point():
        return (scores - truth.to(scores)).square().mean(-1)
    index = F.one_hot(truth, scores.shape[-1]).to(scores)
    return -(scores.log_softmax(-1) * index).sum(-1)


def _target(function: Any, description: str) -> Target:
    """A target of all queries; its index names no class, because it speaks of no single one."""
    return Target("population", -1, None, description, function)


def _truth(given: Sequence[Hashable] | Tensor, support: Support, size: int) -> Tensor:
    if len(given) != size:
        raise ExplanationError(f"{size} queries but {len(given)} answers: give one for each")
    if support.ways is None:
        return torch.as_tensor(given, dtype=torch.float64).reshape(size, -1)
    if isinstance(given, Tensor):
        if given.is_floating_point() or int(given.min()) < 0 or int(given.max()) >= support.ways:
            raise ExplanationError(f"class indices of queries are whole numbers from 0 to {support.ways - 1}")
        return given.long().cpu()
    known = class_names(support)
    if unknown := [label for label in given if label not in known]:
        raise ExplanationError(
            f"no class {unknown[0]!r} in the support{suggest(str(unknown[0]), [str(label) for label in known])}"
        )
    return torch.tensor([known.index(label) for label in given])


def _names(given: Sequence[str] | None, size: int, prefix: str, what: str) -> tuple[str, ...]:
    names = tuple(given) if given is not None else tuple(f"{prefix} {i}" for i in range(size))
    if len(names) != size:
        raise ExplanationError(f"{len(names)} names for {size} {what}s: give one for each")
    return names
