"""Which explanations stand up? Measures the fidelity of all that were made, and runs controls, as time allows."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from fewsight.explain import controls, fidelity
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.kinds import Kind

LATE = "no time left of budget_seconds"
DRAWS = 10
"""Draws of a random control: with five support examples one draw's rank correlation has a spread of .5."""
FEWEST_DRAWS = 3
"""Draws below which a mean says nothing."""


@dataclass
class Found:
    """An explanation and what it was made from."""

    kind: Kind
    case: Case
    explanation: Explanation

    def again(self, variant: Case) -> Explanation:
        """The same explanation of a control's case."""
        return self.kind.explain(variant.toward(self.case.target))


def verify(found: dict[str, Found], seconds: float, deadline: float) -> dict[str, str]:
    """Add fidelity and controls to the explanations, in place; returns what was left out and why.

    Args:
        seconds: the time of one adaptation.
        deadline: `time.monotonic()` seconds.
    """
    left_out: dict[str, str] = {}
    for name, each in found.items():
        cost = seconds * fidelity.adaptations(each.case) if each.kind.of == "support" else 0.0
        if time.monotonic() + cost > deadline:
            left_out[f"fidelity of {name}"] = LATE
        else:
            measures = fidelity.measure(each.case, each.explanation, each.kind.of)
            each.explanation = replace(each.explanation, fidelity=(*each.explanation.fidelity, *measures))
    return left_out | _control(found, deadline)


def _control(found: dict[str, Found], deadline: float) -> dict[str, str]:
    """Skipping adaptation takes one draw and tells what a draw costs; the random controls draw while time lasts.

    All explanations of one draw share what is computed for it (the table of all subsets).
    """
    found = {name: each for name, each in found.items() if each.kind.of not in ("model", "search")}
    if not found:
        return {}
    base = next(iter(found.values())).case
    again: dict[str, dict[str, list[Explanation]]] = {
        name: {control: [] for control in controls.NAMES} for name in found
    }
    seconds: dict[str, float] = {}
    skipped = controls.variant(base, "adaptation")
    for name, each in found.items():
        started = time.monotonic()
        if started < deadline:
            again[name]["adaptation"].append(each.again(skipped))
            seconds[name] = time.monotonic() - started
    affordable, spent = [], 0.0
    for name in sorted(seconds, key=lambda name: seconds[name]):
        spent += 2 * FEWEST_DRAWS * seconds[name]
        if time.monotonic() + spent < deadline:
            affordable.append(name)
    for draw in range(DRAWS):
        if draw >= FEWEST_DRAWS and time.monotonic() > deadline:
            break
        for control in ("parameters", "labels"):
            variant = controls.variant(base, control, draw)
            for name in affordable:
                again[name][control].append(found[name].again(variant))
    for name, each in found.items():
        measures = [controls.compare(each.case, each.explanation, made, c) for c, made in again[name].items() if made]
        each.explanation = replace(each.explanation, controls=tuple(measures))
    return {f"controls of {name}": LATE for name in found if name not in affordable}
