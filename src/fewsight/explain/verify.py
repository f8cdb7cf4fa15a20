"""Which explanations stand up? Measures fidelity and runs the sanity controls on all that were made, within the time left."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from fewsight.explain import controls, fidelity
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.kinds import Kind

FEWEST_DRAWS = 3
"""Random draws below which a control is not worth its time."""


@dataclass
class Found:
    """An explanation, how it was made, and the seconds that took."""

    kind: Kind
    case: Case
    explanation: Explanation
    seconds: float


def verify(found: dict[str, Found], deadline: float) -> dict[str, str]:
    """Add fidelity and controls to the explanations, in place; returns what was left out and why."""
    left_out: dict[str, str] = {}
    for name, each in found.items():
        if time.monotonic() > deadline:
            left_out[f"fidelity of {name}"] = "no time left of budget_seconds"
            continue
        measures = fidelity.measure(each.case, each.explanation, each.kind.of)
        each.explanation = replace(each.explanation, fidelity=measures)
    once = sum(each.seconds for each in found.values())
    draws = min(controls.DRAWS, int((deadline - time.monotonic()) / (2 * once + 1e-9)))
    if draws < FEWEST_DRAWS:
        left_out["controls"] = (
            f"{FEWEST_DRAWS} draws would take about {2 * FEWEST_DRAWS * once:.0f} s: raise budget_seconds"
        )
        return left_out
    for control in controls.NAMES:
        for name, measure in _controlled(found, control, draws).items():
            each = found[name]
            each.explanation = replace(each.explanation, controls=(*each.explanation.controls, measure))
    return left_out


def _controlled(found: dict[str, Found], control: str, draws: int) -> dict[str, Measure]:
    """One control of all explanations; they share what is computed for a variant."""
    again: dict[str, list[Explanation]] = {name: [] for name in found}
    some = next(iter(found.values())).case if found else None
    for variant in controls.variants(some, control, draws) if some else ():
        for name, each in found.items():
            again[name].append(each.kind.explain(variant.toward(each.case.target)))
    return {name: controls.compare(each.case, each.explanation, again[name], control) for name, each in found.items()}
