"""What is made first when time is short, and what is said of the rest?

First all that speaks of the support examples or of the query, with its checks; then everything else, the cheapest
first, with its own. Each piece of work may take half of the time that is left when it begins, so that none uses up what
others need, and the last one all of it. What is known to take more is not begun.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fewsight.errors import ExplanationError
from fewsight.explain import clock, coalitions
from fewsight.explain.case import Case
from fewsight.explain.kinds import Kind
from fewsight.explain.progress import bar
from fewsight.explain.target import Target
from fewsight.explain.verify import HALF, WHOLE, Found, verify

FIRST = ("support", "groups", "query")
"""What the explanations made first are of (see `Kind.of`): the examples, groups of them, and the parts of the query."""
REFINED = 0.25
"""Estimates are refined for this share of the time that is left: half of what they may take at most."""
SHORT = 0.1
"""Seconds of work for which there is no time: then it is over, and the figure says nothing."""


def carry_out(
    case: Case, wanted: dict[str, Kind], asked: bool, rival: Target | None, checks: bool
) -> tuple[dict[str, Found], dict[str, str]]:
    """What could be made in the time of `case.clock`, by kind, and why the rest is left out.

    Args:
        asked: the kinds were asked for by name.
        rival: the contrast with the runner-up, where no target was asked for.

    Raises:
        ExplanationError: a kind asked for by name is not defined here, or there was no time for any of them.
    """
    left_out = {name: why for name, kind in wanted.items() if (why := _why_not(case, kind, asked))}
    if asked and left_out:
        raise ExplanationError("; ".join(f"{name}: {why}" for name, why in left_out.items()))
    possible = {name: kind for name, kind in wanted.items() if name not in left_out}
    first = {name: kind for name, kind in possible.items() if kind.of in FIRST}
    others = {name: kind for name, kind in possible.items() if kind.of not in FIRST}
    others = dict(sorted(others.items(), key=lambda item: item[1].rows(case)))
    found: dict[str, Found] = {}
    if any(kind.rows(case) for kind in possible.values()):
        _measure(case)
    for kinds in (first, others):
        last = WHOLE if kinds is others or not others else HALF
        made, late = _made(case, kinds, asked, rival, HALF if checks else last)
        left_out |= late | (verify(made, last) if checks else {})
        found |= made
    if asked and left_out and not found:
        raise ExplanationError("; ".join(f"{name}: {why}" for name, why in left_out.items()))
    return {name: found[name] for name in wanted if name in found}, left_out


def _why_not(case: Case, kind: Kind, asked: bool) -> str:
    try:
        return kind.why_not(case) or ("" if asked else kind.unasked(case))
    except clock.OutOfTimeError:
        return ""  # what it would say is not known; when its turn comes, time is over


def _measure(case: Case) -> None:
    """See what an adaptation takes by taking each example out, which most explanations need anyway."""
    try:
        with case.clock.share(HALF):
            coalitions.values(case, ~np.eye(case.support.size, dtype=bool))
    except clock.OutOfTimeError:
        pass  # what was made is known, and what it took


def _made(
    case: Case, kinds: dict[str, Kind], asked: bool, rival: Target | None, last: float
) -> tuple[dict[str, Found], dict[str, str]]:
    """Those of `kinds` that could be made; the last of them may take the share `last` of what is left."""
    found: dict[str, Found] = {}
    left_out: dict[str, str] = {}
    for place, (name, kind) in enumerate(kinds.items(), 1):
        share, seconds = last if place == len(kinds) else HALF, case.seconds * kind.rows(case)
        left = case.clock.left
        if seconds > share * left:
            would = f"would take about {seconds:.1f} s, more than its share of budget_seconds"
            left_out[name] = clock.LATE if left <= 0 or seconds < SHORT else would
            continue
        aimed = replace(kind.aim(case, rival), deadline=clock.now() + REFINED * left)
        try:
            with bar(name.replace("_", " ")), case.clock.share(share):
                found[name] = Found(kind, aimed, kind.explain(aimed))
        except clock.OutOfTimeError:
            left_out[name] = case.clock.why
        except ExplanationError as error:
            if asked:
                raise ExplanationError(f"{name}: {error}") from error
            left_out[name] = str(error)
    return found, left_out
