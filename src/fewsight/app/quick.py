"""What can be said at once? The answer, what each example is worth, how many must go before it falls, and which part
of the query speaks for it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from fewsight.app import limits
from fewsight.app.drawn import address
from fewsight.app.wording import MistakeError
from fewsight.domains import Examples
from fewsight.explain import Case, clock, coalitions, game
from fewsight.explain.counterfactual import removal
from fewsight.explain.explanation import Explanation
from fewsight.explain.influence import influence
from fewsight.explain.inputs import positional
from fewsight.explain.parts import Parts
from fewsight.explain.players import sole_examples
from fewsight.explain.query import integrated_gradients
from fewsight.explain.query_shapley import query_shapley
from fewsight.explain.record import plain
from fewsight.explain.subsets import PAIRS, leave_one_out, shapley
from fewsight.explain.target import parse
from fewsight.learner import Learner
from fewsight.report.words import Words
from fewsight.task import Support

PILOT = 16
"""Adaptations that tell how long one takes when many are made together."""
PARTS = 10
"""Parts of a query up to which their Shapley values are exact: 2^10 queries of a model that is already adapted."""


def quick(
    learner: Learner,
    support: Support,
    query: Examples,
    names: Sequence[str],
    target: str | None = None,
    language: str = "en",
) -> dict[str, Any]:
    """Answer and reasons for one query, as JSON.

    Args:
        target: the class whose margin is explained; default the predicted one. In regression the value is.
        language: of the sentences.

    Raises:
        LearnerError, ExplanationError, MistakeError: the learner cannot learn this task, or there is no such class.
    """
    started = clock.now()
    with torch.no_grad():
        scores = learner.adapt(support)(query.x)[0].double()
    if not bool(torch.isfinite(scores).all()):
        raise MistakeError("not_finite")
    case = Case(
        learner,
        support,
        query.x,
        parse(target, support, scores),
        tuple(names),
        parts=query.views[0].parts or None,
    )
    out = leave_one_out(case)
    worth = _worth(case)
    found = {
        "value": worth.value,
        "baseline": worth.baseline,
        "kind": worth.kind,
        "exact": worth.kind == "shapley" and worth.interval is None,
        "values": worth.values,
        "leave_one_out": out.values,
    }
    answer = _predicted(scores) if support.ways is None else _classified(case, scores, Words(language))
    return plain(found | answer | {"query": _part(case, scores, query), "seconds": clock.now() - started})


def _classified(case: Case, scores: torch.Tensor, words: Words) -> dict[str, Any]:
    labels = [str(label) for label in case.support.labels or ()]
    order = scores.argsort(descending=True).tolist()
    radius = removal(_timed(case))
    return {
        "labels": labels,
        "probabilities": scores.softmax(-1).tolist(),
        "predicted": labels[order[0]],
        "runner_up": labels[order[1]],
        "target": labels[case.target.index],
        "without": _without(case, labels),
        "radius": radius.value if math.isfinite(radius.value) else None,
        "radius_note": words.text(map(words.told, radius.notes)),
    }


def _predicted(scores: torch.Tensor) -> dict[str, Any]:
    return {"predicted": scores[0].item()}


def _part(case: Case, scores: torch.Tensor, query: Examples) -> dict[str, Any]:
    """What each part of the query is worth: a `map` of pixels, or `values` by part and the drawing `shaded`."""
    rival = None
    if case.support.labels is not None:
        rival = parse(("contrast", case.support.labels[case.target.index]), case.support, scores)
        case = case.toward(rival)
    against = None if rival is None or rival.other is None else str((case.support.labels or ())[rival.other])
    few = positional(query.x) and Parts.of(query.x, names=case.parts).real.sum() <= PARTS
    found = query_shapley(case) if few else integrated_gradients(case, nodes=8, panels=4, bound=0.05)
    told: dict[str, Any] = {
        "against": against,
        "kind": found.kind,
        "map": None,
        "parts": [],
        "values": [],
        "shaded": None,
    }
    if case.parts is None:
        return told | {"map": found.values.reshape(-1, *found.values.shape[-2:]).sum(0)}
    shares = found.values / max(float(np.abs(found.values).max()), 1e-12)
    return told | {"parts": case.parts, "values": found.values, "shaded": address(query.views[0].shaded(shares))}


def _worth(case: Case) -> Explanation:
    """Shapley values where a few adaptations say that there is time for them, else first-order influence."""
    size = case.support.size
    rows = 2**size if size <= game.EXACT else 2 * PAIRS[0] * size
    pilot = np.random.default_rng(size).random((PILOT, size)) < 0.5
    # Time of the processor, so that the kind of the values does not come and go with what else the machine does.
    started = time.thread_time()
    coalitions.values(case, pilot)
    seconds = (time.thread_time() - started) * rows / PILOT
    return shapley(_timed(case)) if seconds <= limits.QUICK_SECONDS else influence(case)


def _timed(case: Case) -> Case:
    return replace(case, deadline=clock.now() + limits.QUICK_SECONDS)


def _without(case: Case, labels: Sequence[str]) -> list[str | None]:
    """The answer without each example; None where its class would go with it."""
    size = case.support.size
    weights = torch.from_numpy(~np.eye(size, dtype=bool)).to(case.support.weight) * case.support.weight
    sole = sole_examples(case)
    winners = coalitions.scores(case, weights, drop=False).argmax(1) if not sole.all() else np.zeros(size, int)
    return [None if sole[i] else labels[winners[i]] for i in range(size)]
