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

Again = dict[str, list[Explanation]]
"""What was made again, by control."""


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
        if each.kind.of == "support" and not each.case.affords(fidelity.adaptations(each.case), HALF):
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
    """Each explanation made again of what must not give the same; the random controls draw while time lasts."""
    found = {name: each for name, each in found.items() if each.kind.of not in ("model", "search")}
    if not found:
        return {}
    time = next(iter(found.values())).case.clock
    again: dict[str, Again] = {name: {control: [] for control in controls.NAMES} for name in found}
    try:
        with bar("sanity controls", time=time), time.share(last):
            _draw(found, again, _skip(found, again))
    except clock.OutOfTimeError:
        pass
    left_out = {}
    for name, each in found.items():
        if any(len(again[name][control]) < FEWEST_DRAWS for control in RANDOM):
            again[name] |= {control: [] for control in RANDOM}
            left_out[f"controls of {name}"] = clock.LATE
        measures = [controls.compare(each.case, each.explanation, made, c) for c, made in again[name].items() if made]
        each.explanation = replace(each.explanation, controls=tuple(measures))
    return left_out


def _skip(found: dict[str, Found], again: dict[str, Again]) -> dict[str, float]:
    """Make all of the un-adapted model; the seconds that each took.

    Each from a case of its own: what it costs must not look small because another had computed the same before.
    """
    seconds: dict[str, float] = {}
    for name, each in found.items():
        started = clock.now()
        try:
            with each.case.clock.share(HALF):
                again[name]["adaptation"].append(each.again(controls.variant(each.case, "adaptation")))
        except clock.OutOfTimeError:
            continue
        seconds[name] = clock.now() - started
    return seconds


def _draw(found: dict[str, Found], again: dict[str, Again], seconds: dict[str, float]) -> None:
    """Make all of random cases, the cheapest first: as often as needed if there is time for that, then more often.

    All explanations of one draw share what is computed for it (the table of all subsets).
    """
    base = next(iter(found.values())).case
    drawn: list[str] = []
    needed = [(control, controls.variant(base, control, draw)) for draw in range(FEWEST_DRAWS) for control in RANDOM]
    for name in sorted(seconds, key=lambda name: seconds[name]):
        if len(needed) * seconds[name] < base.clock.left:
            for control, variant in needed:
                again[name][control].append(found[name].again(variant))
            drawn.append(name)
    for draw in range(FEWEST_DRAWS, DRAWS):
        for control in RANDOM:
            variant = controls.variant(base, control, draw)
            for name in drawn:
                again[name][control].append(found[name].again(variant))
