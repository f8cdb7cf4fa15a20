"""Which explanations stand up? Measures the fidelity of all that were made, and runs controls, as time allows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fewsight.explain import clock, controls, fidelity
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.kinds import Kind
from fewsight.explain.progress import bar

HALF, WHOLE = 0.5, 1.0
"""Shares of the time that is left: what a piece of work may take, and what the last one may."""
DRAWS = 10
"""Draws of a random control: with five support examples one draw's rank correlation has a spread of .5."""
RANDOM = ("parameters", "labels")
"""The controls that are drawn."""
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


def verify(found: dict[str, Found], last: float) -> dict[str, str]:
    """Add fidelity and controls to the explanations, in place; returns what was left out and why.

    Args:
        last: the share of the time left that the controls may take.
    """
    left_out: dict[str, str] = {}
    for name, each in found.items():
        time = each.case.clock
        if each.kind.of not in fidelity.MEASURES:
            continue
        if each.kind.of == "support" and not each.case.affords(fidelity.adaptations(each.case)):
            left_out[f"fidelity of {name}"] = clock.LATE
            continue
        try:
            with bar(f"checking {name.replace('_', ' ')}"), time.share(HALF):
                measures = fidelity.measure(each.case, each.explanation, each.kind.of)
                each.explanation = replace(each.explanation, fidelity=(*each.explanation.fidelity, *measures))
        except clock.OutOfTimeError:
            left_out[f"fidelity of {name}"] = time.why
    return left_out | _control(found, last)


def _control(found: dict[str, Found], last: float) -> dict[str, str]:
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
    try:
        with bar("sanity controls"), base.clock.share(last):
            affordable = _skipped(found, base, again)
            _drawn({name: found[name] for name in affordable}, base, again)
    except clock.OutOfTimeError:
        pass
    left_out = {}
    for name, each in found.items():
        made = again[name]
        if any(len(made[control]) < FEWEST_DRAWS for control in RANDOM):
            made |= {control: [] for control in RANDOM}
            left_out[f"controls of {name}"] = clock.LATE
        measures = [controls.compare(each.case, each.explanation, drawn, c) for c, drawn in made.items() if drawn]
        each.explanation = replace(each.explanation, controls=tuple(measures))
    return left_out


def _skipped(found: dict[str, Found], base: Case, again: dict[str, dict[str, list[Explanation]]]) -> list[str]:
    """Make each explanation of the un-adapted model; those for which there is time for `FEWEST_DRAWS` more.

    Each from a case of its own: what it costs must not look small because another had computed the same before.
    """
    seconds: dict[str, float] = {}
    for name, each in found.items():
        started = clock.now()
        try:
            with base.clock.share(HALF):
                again[name]["adaptation"].append(each.again(controls.variant(base, "adaptation")))
        except clock.OutOfTimeError:
            continue
        seconds[name] = clock.now() - started
    affordable, spent = [], 0.0
    for name in sorted(seconds, key=lambda name: seconds[name]):
        spent += len(RANDOM) * FEWEST_DRAWS * seconds[name]
        if spent < base.clock.left:
            affordable.append(name)
    return affordable


def _drawn(found: dict[str, Found], base: Case, again: dict[str, dict[str, list[Explanation]]]) -> None:
    longest = 0.0
    for draw in range(DRAWS):
        started = clock.now()
        if draw >= FEWEST_DRAWS and longest > base.clock.left:
            break
        for control in RANDOM:
            variant = controls.variant(base, control, draw)
            for name, each in found.items():
                again[name][control].append(each.again(variant))
        longest = max(longest, clock.now() - started)
