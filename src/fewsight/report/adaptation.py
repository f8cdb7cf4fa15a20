"""How did the model get from what it was to what answered? Its steps and its layers, and the tasks it came from."""

from __future__ import annotations

from dataclasses import dataclass

from fewsight.explain.explanation import Explanation
from fewsight.report.figure import Figure
from fewsight.report.numerals import percent, plain
from fewsight.report.subject import Subject
from fewsight.report.waterfall import waterfall

KINDS = ("steps", "layer_swap", "movement")


@dataclass(frozen=True)
class Learned:
    """One picture of the adaptation, and what it was drawn from."""

    explanation: Explanation
    figure: Figure


@dataclass(frozen=True)
class Known:
    """What is said of the learner's experience, and the nearest tasks, a row each."""

    sentence: str
    rows: list[list[str]]


def adaptation(subject: Subject) -> list[Learned]:
    """A picture for each kind that has more than one part to tell apart."""
    found = [subject.analysis[kind] for kind in KINDS if kind in subject.analysis]
    return [Learned(each, waterfall(subject, each)) for each in found if each.values.size > 1]


def experience(subject: Subject) -> Known | None:
    """None where the learner's meta-training was not recorded."""
    found = subject.analysis.task_map
    if found is None:
        return None
    key = {
        "inside": "experience_inside",
        "at the edge of": "experience_edge",
        "outside": "experience_outside",
        "unknown": "experience_unknown",
    }[found.verdict]
    blanks = {"percentile": percent(found.percentile / 100), "count": len(found.ordinary)} if found.ordinary else {}
    rows = [[each.name, plain(each.distance)] for each in found.nearest]
    return Known(subject.words(key, **blanks), rows)
