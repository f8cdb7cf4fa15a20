"""Which short list of if-then rules says what the adapted model says around the query? (C5)

Read from the top, the first rule that holds answers; `rules` says how the list is learned.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.held_out import Fit, HeldOut
from fewsight.explain.neighbourhood import AROUND, Features, Neighbourhood, neighbourhood
from fewsight.explain.rules import CONDITIONS, RULES, Rule, RuleList, learn

SIDED = ("margin", "contrast")
"""Targets of which 0 divides one answer from another."""


def rule_list(
    case: Case,
    features: Features | None = None,
    names: Sequence[str] | None = None,
    *,
    most: int = RULES,
    conditions: int = CONDITIONS,
) -> Explanation:
    """Importances of the features in a list of rules for F around the query, `(F,)`; they sum to 1 (no rule: all 0).

    A feature's importance is the error that its rules take away, shared equally by the conditions of each. The notes
    say the list and which rule answers the query; `provenance` has it in full precision.

    Args:
        features, names: see `sparse_linear`.
        most: rules at most, "else" not counted.
        conditions: of a rule, at most.
    """
    around = neighbourhood(case, features, names)
    x, y = around.readable, around.earned
    found = learn(x, y, most, conditions)
    own = int(found.which(around.own[None])[0])
    return around.explanation(
        case,
        "rule_list",
        "Which short list of rules, read from the top, leads to what the adapted model says around the query?",
        _importances(found, x.shape[1]),
        _measures(case, around, most, conditions),
        (
            *_said(found, around),
            f"The query itself is answered by rule {own + 1} of {len(found.rules)}.",
            f"Learned greedily, for {around.what}: another list may say it better or shorter.",
        ),
        rules=[
            {"if": [[c.feature, c.above, c.limit] for c in rule.conditions], "then": rule.value, "rows": rule.rows}
            for rule in found.rules
        ],
    )


def _measures(case: Case, around: Neighbourhood, most: int, conditions: int) -> tuple[Measure, ...]:
    x, y = around.readable, around.earned

    def fit(most: int) -> Fit:
        return lambda x, y, w: learn(x, y, most, conditions).predict

    judged = HeldOut.of(x, y, fit(most))
    alone = HeldOut.of(x, y, fit(1)).r2("the same for a list of one rule: what the other rules add is the difference")
    measures = [judged.r2(AROUND), Measure("held-out R2 of one rule", alone.value, alone.interval, None, alone.meaning)]
    if case.target.kind in SIDED:
        usual = max(float((y > 0).mean()), float((y <= 0).mean()))
        measures.append(
            judged.agreement(
                "share of changed queries for which the rules and the model are on the same side of 0; saying the same "
                f"of all would reach {usual:.2f}"
            )
        )
    return tuple(measures)


def _importances(found: RuleList, features: int) -> np.ndarray:
    values = np.zeros(features)
    for rule in found.rules:
        for condition in rule.conditions:
            values[condition.feature] += rule.removed / len(rule.conditions)
    return values / (values.sum() or 1.0)


def _said(found: RuleList, around: Neighbourhood) -> list[str]:
    """Each rule in words."""
    *rules, last = found.rules
    if not rules:
        return ["No rule says more than the mean of all changed queries."]
    count = len(around.earned)
    lines = [
        f"Rule {i}: if {_conditions(rule, around)}, then {rule.value:.3g} ({rule.rows} of {count} changed queries)."
        for i, rule in enumerate(rules, 1)
    ]
    return [*lines, f"Rule {len(found.rules)}: else {last.value:.3g} ({last.rows} of {count} changed queries)."]


def _conditions(rule: Rule, around: Neighbourhood) -> str:
    """Features that only are 0 or 1 are there or not; others are above a limit or not."""
    told = []
    for condition in rule.conditions:
        name, column = around.names[condition.feature], around.readable[:, condition.feature]
        if np.isin(column, (0, 1)).all():
            told.append(repr(name) if condition.above else f"no {name!r}")
        else:
            told.append(f"{name} {'>' if condition.above else '<='} {condition.limit:.4g}")
    return " and ".join(told)
