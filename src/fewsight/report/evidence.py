"""Which of the reader's examples decided, for and against? Cards in groups, heaviest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from fewsight.explain.explanation import Explanation
from fewsight.report.figure import Figure
from fewsight.report.numerals import percent, plain, points, signed
from fewsight.report.subject import EVIDENCE, Subject, probability
from fewsight.report.waterfall import column, order, waterfall

STRIP = 25
"""Cards shown at once; beyond it the lightest wait behind a line that says how many there are and what they sum to."""
NOTHING = 1e-6
"""Share of the largest contribution below which an example has no effect."""
SUSPECT = 0.1
"""Share of the largest contribution from which an example that speaks against its own class is worth a look, unless the
answer is weaker without it."""


@dataclass(frozen=True)
class Card:
    """One support example: its name, class, view, contribution, and what happens without it.

    Attributes:
        tone: "for", "against" or "neutral".
        short: its name without folders; empty where the view begins with it, as a text does.
        value: its contribution; `figure` is that, printed, and `share` its size beside the largest one.
        without: what taking it away does; empty where that was not computed.
        flag: what to look at; mostly empty.
    """

    tone: str
    name: str
    short: str
    label: str
    view: Markup
    value: float
    figure: str
    share: float
    without: str
    flag: str


@dataclass(frozen=True)
class Group:
    """Cards that speak in one direction, heaviest first; the `hidden` ones wait behind the sentence `more`."""

    tone: str
    title: str
    shown: list[Card]
    hidden: list[Card]
    more: str


@dataclass(frozen=True)
class Evidence:
    """The section.

    Attributes:
        explanation: what cards and waterfall are drawn from; `drawn` adds the same by class where there is one.
        figures: the waterfall of each explanation `drawn`.
        compared: all explanations by example; their values, beside each other, are `comparison`.
    """

    explanation: Explanation
    groups: list[Group]
    drawn: list[Explanation]
    figures: list[Figure]
    compared: list[Explanation]
    columns: list[str]
    comparison: list[list[str]]


def evidence(subject: Subject) -> Evidence | None:
    """None where no explanation gives every support example a value."""
    words, explanation = subject.words, subject.evidence
    if explanation is None:
        return None
    by_class = subject.analysis.get("shapley_classes")
    drawn = [explanation, *([] if by_class is None else [by_class])]
    compared = subject.by_example((*EVIDENCE, "leave_one_out"))
    printed = [column(each) for each in compared]
    return Evidence(
        explanation=explanation,
        groups=_groups(subject, explanation),
        drawn=drawn,
        figures=[waterfall(subject, each) for each in drawn],
        compared=compared,
        columns=[
            words("example"),
            words("value" if subject.regression else "class"),
            *(words.kind(each.kind) for each in compared),
        ],
        comparison=[
            [name, subject.label(example), *(values[example] for values in printed)]
            for example, name in enumerate(subject.analysis.support_names)
        ],
    )


def _groups(subject: Subject, explanation: Explanation) -> list[Group]:
    """The cards for, against, and without effect; the last group only where there are any."""
    words, values = subject.words, explanation.values.reshape(-1)
    largest = float(np.abs(values).max()) or 1.0
    cards = [_card(subject, example, float(values[example]), largest) for example in order(explanation)]
    blue, orange = subject.sides(explanation)
    groups = []
    for tone, title in (("for", blue), ("against", orange), ("neutral", words("neutral"))):
        shown = [card for card in cards[:STRIP] if card.tone == tone]
        hidden = [card for card in cards[STRIP:] if card.tone == tone]
        if shown or hidden or tone != "neutral":
            more = words.count("hidden", len(hidden), sum=signed(sum(card.value for card in hidden), largest))
            groups.append(Group(tone, title, shown, hidden, more))
    return groups


def _card(subject: Subject, example: int, value: float, largest: float) -> Card:
    share, view, short = abs(value) / largest, subject.card(example), subject.short(example)
    written = subject.views is not None and subject.views[example].wide  # a drawing's name is only heard
    own = not subject.regression and subject.analysis.support_labels[example] == subject.analysis.predicted
    suspect = own and value < 0 and share > SUSPECT and not missed(subject, example)
    return Card(
        tone="neutral" if share <= NOTHING else "for" if value > 0 else "against",
        name=subject.analysis.support_names[example],
        short="" if written and view.striptags().startswith(short.rstrip("…")) else short,
        label=subject.label(example),
        view=view,
        value=value,
        figure=signed(value, largest),
        share=share,
        without=without(subject, example),
        flag=subject.words("suspect") if suspect else "",
    )


def missed(subject: Subject, example: int) -> bool:
    """Whether exact leave-one-out says that the answer is weaker without this example."""
    return any(each.values.reshape(-1)[example] > 0 for each in subject.by_example(["leave_one_out"]))


def without(subject: Subject, example: int) -> str:
    """What is left without this example: no class, or what exact leave-one-out says; empty where nothing is known."""
    if not subject.regression and subject.alone(example):
        return subject.words("without_class", label=subject.label(example))
    explanation = next(iter(subject.by_example(["leave_one_out"])), None)
    if explanation is None:
        return ""
    effect = float(explanation.values.reshape(-1)[example])
    left = explanation.value - effect
    if not subject.odds(explanation):
        return subject.words("without_target", value=plain(left))
    change = probability(left) - probability(explanation.value)
    return subject.words("without_probability", value=percent(probability(left)), points=points(change))
