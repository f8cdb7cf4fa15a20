"""What can be said at once? The answer, what each example is worth, how many must go before it falls, and a map."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fewsight.app import limits
from fewsight.errors import ExplanationError
from fewsight.explain import Case, coalitions, game
from fewsight.explain.counterfactual import removal
from fewsight.explain.explanation import Explanation
from fewsight.explain.influence import influence
from fewsight.explain.players import sole_examples
from fewsight.explain.query import integrated_gradients
from fewsight.explain.record import plain
from fewsight.explain.subsets import PAIRS, leave_one_out, shapley
from fewsight.explain.target import parse
from fewsight.learner import Learner
from fewsight.task import Support

PILOT = 16
"""Adaptations that tell how long one takes when many are made together."""


def quick(
    learner: Learner, support: Support, query: Tensor, names: Sequence[str], target: str | None = None
) -> dict[str, Any]:
    """Answer and reasons for one query `(1, channels, size, size)`, as JSON.

    Args:
        target: the class whose margin is explained; default the predicted one.

    Raises:
        LearnerError, ExplanationError: the learner cannot learn this task, or there is no such class.
    """
    started = time.monotonic()
    with torch.no_grad():
        scores = learner.adapt(support)(query)[0].double()
    if not bool(torch.isfinite(scores).all()):
        raise ExplanationError("the prediction is not finite: check the images")
    labels = [str(label) for label in support.labels or ()]
    case = Case(learner, support, query, parse(target, support, scores), tuple(names))
    out = leave_one_out(case)
    worth = _worth(case)
    radius = removal(_timed(case))
    rival = parse(("contrast", labels[case.target.index]), support, scores)
    sketch = integrated_gradients(case.toward(rival), nodes=8, panels=4, bound=0.05)
    order = scores.argsort(descending=True).tolist()
    return plain(
        {
            "labels": labels,
            "probabilities": scores.softmax(-1).tolist(),
            "predicted": labels[order[0]],
            "runner_up": labels[order[1]],
            "target": labels[case.target.index],
            "value": worth.value,
            "baseline": worth.baseline,
            "kind": worth.kind,
            "exact": worth.kind == "shapley" and worth.interval is None,
            "values": worth.values,
            "leave_one_out": out.values,
            "without": _without(case, labels),
            "radius": radius.value if isfinite(radius.value) else None,
            "radius_note": " ".join(radius.notes),
            "map": sketch.values.reshape(-1, *query.shape[-2:]).sum(0),
            "map_against": labels[rival.other or 0],
            "seconds": time.monotonic() - started,
        }
    )


def _worth(case: Case) -> Explanation:
    """Shapley values where a few adaptations say that there is time for them, else first-order influence."""
    size = case.support.size
    rows = 2**size if size <= game.EXACT else 2 * PAIRS[0] * size
    pilot = np.random.default_rng(size).random((PILOT, size)) < 0.5
    started = time.monotonic()
    coalitions.values(case, pilot)
    seconds = (time.monotonic() - started) * rows / PILOT
    return shapley(_timed(case)) if seconds <= limits.QUICK_SECONDS else influence(case)


def _timed(case: Case) -> Case:
    return replace(case, deadline=time.monotonic() + limits.QUICK_SECONDS)


def _without(case: Case, labels: Sequence[str]) -> list[str | None]:
    """The answer without each example; None where its class would go with it."""
    size = case.support.size
    weights = torch.from_numpy(~np.eye(size, dtype=bool)).to(case.support.weight) * case.support.weight
    sole = sole_examples(case)
    winners = coalitions.scores(case, weights, drop=False).argmax(1) if not sole.all() else np.zeros(size, int)
    return [None if sole[i] else labels[winners[i]] for i in range(size)]
