"""How is it said to someone outside the field? One paragraph from a template, and what it must not be taken for."""

from __future__ import annotations

import numpy as np

from fewsight.report.numerals import percent, plain
from fewsight.report.subject import Subject
from fewsight.report.verdict import passed


def paragraph(subject: Subject) -> str:
    """The page in six sentences or fewer."""
    words, explanations = subject.words, list(subject.analysis.values())
    good, bad = sum(map(passed, explanations)), sum(len(explanation.failures) for explanation in explanations)
    checked = [words("plain_checks", passed=good, failed=bad)] if good + bad else []
    return words.text([*_answer(subject), *_evidence(subject), *checked])


def _answer(subject: Subject) -> list[str]:
    words, analysis = subject.words, subject.analysis
    if subject.regression:
        before = plain(analysis.unadapted_scores[analysis.predicted])
        return [
            words.count("plain_values", subject.size),
            words("plain_value", value=subject.answer, before=before),
        ]
    after, before = (percent(shares[analysis.predicted]) for shares in (analysis.probabilities, analysis.unadapted))
    runner_up = percent(analysis.probabilities[analysis.runner_up])
    return [
        words.count("plain_shown", subject.size, ways=len(analysis.labels)),
        words("plain_answer", label=subject.answer, after=after, before=before),
        words("plain_runner_up", label=subject.runner_up, value=runner_up),
    ]


def _evidence(subject: Subject) -> list[str]:
    words, evidence = subject.words, subject.evidence
    if evidence is None:
        return []
    values, speaks = evidence.values.reshape(-1), subject.speaks(evidence)
    found = [
        (int(np.argmax(values)), "plain_for" if speaks else "plain_raises"),
        (int(np.argmin(values)), "plain_against" if speaks else "plain_lowers"),
    ]
    return [
        words(key, name=subject.analysis.support_names[example], label=subject.label(example))
        for (example, key), sign in zip(found, (1, -1), strict=True)
        if sign * values[example] > 0
    ]


def limits(subject: Subject) -> list[str]:
    """What the page cannot show, the learner's own caveats first."""
    words = subject.words
    general = [words("limit_truth"), *([] if subject.regression else [words("limit_probability")])]
    if (evidence := subject.evidence) is not None:
        general.append(words("limit_removal", semantics=words.semantics(evidence.semantics)))
    return [*map(words.told, subject.analysis.caveats), *general]
