"""Why this prediction? The one verb: everything that can be said of one query, with the evidence that it is true."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from fewsight import tree
from fewsight.errors import ExplanationError, suggest
from fewsight.experience import Experience
from fewsight.explain import coalitions
from fewsight.explain.analysis import Analysis
from fewsight.explain.case import Case
from fewsight.explain.clock import Clock, OutOfTimeError
from fewsight.explain.kinds import KINDS
from fewsight.explain.progress import bar
from fewsight.explain.provenance import provenance
from fewsight.explain.schedule import carry_out
from fewsight.explain.target import Target, class_names, parse
from fewsight.explain.task_map import TaskMap, task_map
from fewsight.learner import Learner
from fewsight.task import Support
from fewsight.tree import Tree
from fewsight.variants import Offers

SATURATED = 0.99
"""Probability above which taking evidence away hardly moves it any more."""


@bar("explaining")
def explain(
    learner: Learner,
    support: Support,
    query: Tree,
    what: str | Sequence[str] | None = None,
    target: Any = None,
    *,
    names: Sequence[str] | None = None,
    groups: Sequence[Hashable] | None = None,
    parts: Sequence[str] | None = None,
    offers: Offers | None = None,
    experience: Experience | None = None,
    checks: bool = True,
    budget_seconds: float = 60.0,
    seed: int = 0,
) -> Analysis:
    """Explain what `learner`, adapted to `support`, says of one query. Changes nothing in the learner.

    Args:
        query: one input, with or without a leading dimension of 1.
        what: kinds of explanation by name (see `kinds.KINDS`); default: all that suit the learner and the support.
        target: what to explain, see `target.parse`; default the margin of the predicted class (for parts of the query
            and for prototypes: its contrast with the runner-up), or the value of output 0 in regression.
        names: a name for each support example, default "support 0"...
        groups: a group of your own for each support example (who labelled it, where it comes from); they play too.
        parts: names of the parts of the query (tokens, atoms, columns), see `View.parts`.
        offers: small real changes of the query (see `domains.offers`), where its domain knows any.
        experience: the record of the learner's meta-training (see `training.experiment.experience`): which tasks the
            prediction rests on, and whether this task is inside what was learned.
        checks: measure fidelity and run the sanity controls.
        budget_seconds: time to spend after the prediction itself, which is always made. What does not fit is left out
            and said; the time is exceeded by one piece of work at most, about as long as two adaptations, or 64 queries
            in front of the adapted model.
        seed: of everything drawn at random.

    Raises:
        ExplanationError: an unknown kind or target, a query that does not fit the support, or a kind asked for by name
            that is not defined here, or no time for any that was asked for.
    """
    clock = Clock(budget_seconds)
    asked = None if what is None else (what,) if isinstance(what, str) else tuple(what)
    for kind in asked or ():
        if kind not in KINDS:
            raise ExplanationError(f"unknown explanation {kind!r}{suggest(kind, KINDS)}")
    case, scores, before = _case(learner, support, query, target, names, groups, experience, seed)
    # The prediction itself is always made; from here on there is only so much time.
    case = replace(case, parts=tuple(parts) if parts else None, offers=offers, clock=clock)
    order = [int(c) for c in np.argsort(-scores, kind="stable")]
    rival = parse(("contrast",), support, torch.from_numpy(scores)) if target is None and support.ways else None
    wanted = KINDS if asked is None else {name: KINDS[name] for name in KINDS if name in asked}
    place, late = _place(case)
    found, left_out = carry_out(case, wanted, asked is not None, rival, checks)
    labels = tuple(str(name) for name in class_names(support)) or tuple(f"output {i}" for i in order)
    regression = support.ways is None
    return Analysis(
        labels=labels,
        support_labels=() if regression else tuple(support.y.tolist()),
        support_names=case.names,
        probabilities=() if regression else tuple(_softmax(scores)),
        unadapted=() if regression else tuple(_softmax(before)),
        predicted=case.target.index if regression else order[0],
        runner_up=case.target.index if regression else order[1],
        explanations={name: each.explanation for name, each in found.items()},
        left_out=late | left_out,
        caveats=_caveats(case, scores),
        provenance=provenance(case) | {"adaptations": len(case.known)},
        task="regression" if regression else "classification",
        scores=tuple(scores.tolist()),
        unadapted_scores=tuple(before.tolist()),
        support_values=tuple(map(tuple, support.y.tolist())) if regression else (),
        task_map=place,
    )


def _case(
    learner: Learner,
    support: Support,
    query: Tree,
    target: Any,
    names: Sequence[str] | None,
    groups: Sequence[Hashable] | None,
    experience: Experience | None,
    seed: int,
) -> tuple[Case, np.ndarray, np.ndarray]:
    """The case, and the scores `(N,)` of the adapted and the un-adapted model."""
    named = tuple(names) if names is not None else tuple(f"support {i}" for i in range(support.size))
    if len(named) != support.size:
        raise ExplanationError(f"{len(named)} names for {support.size} support examples: give one for each")
    grouped = None if groups is None else tuple(map(str, groups))
    if grouped is not None and len(grouped) != support.size:
        raise ExplanationError(f"{len(grouped)} groups for {support.size} support examples: give one for each")
    unaimed = Target("", 0, None, "", lambda scores: scores[..., 0])
    case = Case(learner, support, _single(query, support), unaimed, named, seed, groups=grouped, experience=experience)
    weight = support.weight.detach()
    scores, before = coalitions.scores(case, torch.stack([weight, torch.zeros_like(weight)]))
    if not np.isfinite(scores).all():
        raise ExplanationError(
            "the prediction is not finite (NaN or infinity): check the query and the support for NaN"
        )
    aim = parse(target, support, torch.from_numpy(scores))
    if support.ways is not None:
        present = support.present.tolist()
        if sum(present) < 2:
            raise ExplanationError(
                "only one class has support examples, so nothing speaks against it: give two classes"
            )
        for c in (aim.index, aim.other):
            if c is not None and not present[c]:
                raise ExplanationError(f"class {class_names(support)[c]!r} has no support example: nothing to explain")
    return case.toward(aim), scores, before


def _place(case: Case) -> tuple[TaskMap | None, dict[str, str]]:
    """Where the task lies in the learner's experience, or why that is left out."""
    try:
        return None if case.experience is None else task_map(case, case.experience), {}
    except OutOfTimeError:
        return None, {"task_map": case.clock.why}


def _single(query: Tree, support: Support) -> Tree:
    """The query with a leading dimension of 1."""
    if pytree.tree_structure(query) != pytree.tree_structure(support.x):
        raise ExplanationError("the query is not of the support's kind: give one input built like those of the support")
    given, known = tree.leaves(query)[0], tree.leaves(support.x)[0]
    if given.ndim == known.ndim - 1:
        return tree.tree_map(lambda leaf: leaf[None], query)
    if given.ndim != known.ndim or given.shape[0] != 1:
        raise ExplanationError(
            f"explain takes one query, shaped {tuple(known.shape[1:])} or {(1, *known.shape[1:])}, "
            f"got {tuple(given.shape)}: call it once for each query"
        )
    return query


def _softmax(scores: np.ndarray) -> list[float]:
    share = np.exp(scores - scores.max())
    return (share / share.sum()).tolist()


def _caveats(case: Case, scores: np.ndarray) -> tuple[str, ...]:
    learner, classes = case.learner, case.support.ways is not None
    said = {
        "The learner is transductive: queries influence each other, and this one was explained alone.": (
            learner.transductive
        ),
        "Predictions of this learner depend on the order in which the classes are listed; this is one order.": (
            learner.label_order_matters and classes
        ),
        "Predictions of this learner depend on the order of the support examples; this is one order.": (
            learner.order_dependent
        ),
        f"The prediction is saturated (above {SATURATED:.0%}): probabilities hardly move, so read margins.": (
            classes and max(_softmax(scores)) > SATURATED
        ),
    }
    return tuple(text for text, applies in said.items() if applies)
