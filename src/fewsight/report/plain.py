"""How is it said to someone outside the field? One paragraph from a template, and what it must not be taken for."""

from __future__ import annotations

import numpy as np

from fewsight.report.numerals import percent
from fewsight.report.subject import Subject
from fewsight.report.verdict import passed


def paragraph(subject: Subject) -> str:
    """The page in six sentences or fewer."""
    words, analysis = subject.words, subject.analysis
    after, before = analysis.probabilities, analysis.unadapted
    answer, second = analysis.predicted, analysis.runner_up
    sentences = [
        words.count("plain_shown", subject.size, ways=len(analysis.labels)),
        words("plain_answer", label=subject.answer, after=percent(after[answer]), before=percent(before[answer])),
    ]
    if second != answer:
        sentences.append(words("plain_runner_up", label=subject.runner_up, value=percent(after[second])))
    if (evidence := subject.evidence) is not None:
        values = evidence.values.reshape(-1)
        most, least = int(np.argmax(values)), int(np.argmin(values))
        if values[most] > 0:
            sentences.append(words("plain_for", name=analysis.support_names[most], label=subject.label(most)))
        if values[least] < 0:
            sentences.append(words("plain_against", name=analysis.support_names[least], label=subject.label(least)))
    good, bad = (
        sum(map(passed, analysis.values())),
        sum(len(explanation.failures) for explanation in analysis.values()),
    )
    if good + bad:
        sentences.append(words("plain_checks", passed=good, failed=bad))
    return " ".join(sentences)


def limits(subject: Subject) -> list[str]:
    """What the page cannot show, the learner's own caveats first."""
    words = subject.words
    general = [words("limit_truth"), words("limit_probability")]
    if (evidence := subject.evidence) is not None:
        general.append(words("limit_removal", semantics=words.semantics(evidence.semantics)))
    return [*subject.analysis.caveats, *general]
