"""How is a short list of if-then rules learned from rows? One rule after the other, each taking away what it covers.

A row is answered by the first rule that holds, with the mean of the rows it was learned from (Rivest, "Learning
Decision Lists", 1987). Each rule is grown condition by condition from the most promising few, as in CN2 (Clark &
Niblett 1989), and every condition is then chosen anew beside the others, as RIPPER revises its rules (Cohen 1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewsight.explain.quadrature import resolution

RULES = 5
CONDITIONS = 2
"""Rules of a list (and "else"), conditions of a rule, at most: more are not read."""
BEAM = 8
"""Beginnings of a rule that are grown further."""
LEAST = 5
"""Rows that a rule must cover, and leave."""
DOUBT = 0.01
"""Chance at most that noise alone would give a rule as good, among all that are possible (Bonferroni)."""
EXACT = 1e-10
"""Share of the error below which nothing is left to say."""


@dataclass(frozen=True)
class Condition:
    """A feature is above a limit, or not."""

    feature: int
    above: bool
    limit: float

    def holds(self, x: np.ndarray) -> np.ndarray:
        """For rows `(M, F)`, `(M,)`."""
        return (x[:, self.feature] > self.limit) == self.above


Conditions = tuple[Condition, ...]


@dataclass(frozen=True)
class Rule:
    """If all conditions hold, then `value`.

    Attributes:
        conditions: none: it always holds.
        rows: how many rows it answered when it was learned.
        removed: squared error that it took away there.
    """

    conditions: Conditions
    value: float
    rows: int
    removed: float

    def holds(self, x: np.ndarray) -> np.ndarray:
        return np.all([np.ones(len(x), dtype=bool), *(condition.holds(x) for condition in self.conditions)], axis=0)


@dataclass(frozen=True)
class RuleList:
    """Rules in order; the last one always holds."""

    rules: tuple[Rule, ...]

    def which(self, x: np.ndarray) -> np.ndarray:
        """The first rule that holds for each row, `(M,)`."""
        return np.argmax([rule.holds(x) for rule in self.rules], axis=0)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.array([rule.value for rule in self.rules])[self.which(x)]


def learn(x: np.ndarray, y: np.ndarray, most: int = RULES, conditions: int = CONDITIONS) -> RuleList:
    """A list of at most `most` rules and "else" for features `(M, F)` and values `(M,)`."""
    rules: list[Rule] = []
    said = max(EXACT * _error(y), len(y) * resolution(float(np.abs(y).max())) ** 2)
    while len(rules) < most and _error(y) > said and (found := _best(_Rows(x, y), conditions)):
        covered = _cover(found, x)
        removed = _error(y) - _error(y[covered]) - _error(y[~covered])
        rules.append(Rule(found, float(y[covered].mean()), int(covered.sum()), removed))
        x, y = x[~covered], y[~covered]
    return RuleList((*rules, Rule((), float(y.mean()), len(y), 0.0)))


class _Rows:
    """Rows that no rule answers yet, sorted by each feature, so that running sums judge all conditions at once."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y, self.error = x, y - y.mean(), _error(y)
        self.order = x.argsort(0, kind="stable")
        ranked = np.take_along_axis(x, self.order, 0)
        self.place = np.nonzero(ranked[1:] > ranked[:-1])
        self.limits = (ranked[1:] + ranked[:-1])[self.place] / 2
        self.cost = np.log(max(1, 2 * len(self.limits)))

    def refined(self, given: Conditions) -> list[tuple[float, Conditions]]:
        """The best further condition on each feature, above and below, with the gain of all together; best first.

        The gain is the logarithm of how much likelier the rows become when those that the rule covers have a mean of
        their own, less that of the number of rules of this length.
        """
        count, feature = len(self.y), self.place[1]
        rows = np.stack([np.ones(count), self.y, self.y**2])
        here = (rows * _cover(given, self.x))[:, self.order]
        low = here.cumsum(1)[(slice(None), *self.place)]
        covered = np.stack([here.sum(1)[:, feature] - low, low], 1)  # (3, above or below, limits)
        rest = rows.sum(1)[:, None, None] - covered
        kept, left = (np.maximum(q - s**2 / np.maximum(n, 1), 0) for n, s, q in (covered, rest))
        gain = count / 2 * np.log(self.error / np.maximum(kept + left, EXACT * self.error))
        # Of two rules that divide the rows alike, the one whose own rows agree: the others may be divided further.
        gain = np.round(gain - 1e-6 * kept / self.error, 9)
        gain = np.where((covered[0] >= LEAST) & (rest[0] >= LEAST), gain, -np.inf).reshape(-1)
        ranking = np.argsort(-gain, kind="stable")
        kinds = np.concatenate([feature, feature + self.x.shape[1]])[ranking]
        first = np.sort(np.unique(kinds, return_index=True)[1])
        cost, half = (len(given) + 1) * self.cost, len(feature)
        found = []
        for side, place in (divmod(int(i), half) for i in ranking[first[:BEAM]]):
            condition = Condition(int(feature[place]), side == 0, float(self.limits[place]))
            found.append((float(gain[side * half + place]) - cost, (*given, condition)))
        return found


def _best(rows: _Rows, most: int) -> Conditions:
    """The conditions of the best rule; none where noise could give it, or no rule is possible."""
    if not rows.limits.size:
        return ()
    beam = rows.refined(())
    best = beam[0]
    for _ in range(1, most):
        grown = [rows.refined(conditions)[0] for _, conditions in beam]
        beam = sorted((_settled(rows, pair) for pair in grown), key=lambda pair: -pair[0])
        best = max(best, beam[0], key=lambda pair: pair[0])
    return best[1] if best[0] > -np.log(DOUBT) else ()


def _settled(rows: _Rows, pair: tuple[float, Conditions]) -> tuple[float, Conditions]:
    """The rule with each condition chosen anew beside the others, until none changes."""
    while True:
        again = max(
            (rows.refined(tuple(c for c in pair[1] if c is not condition))[0] for condition in pair[1]),
            key=lambda other: other[0],
        )
        if again[0] <= pair[0]:
            return pair
        pair = again


def _cover(conditions: Conditions, x: np.ndarray) -> np.ndarray:
    return Rule(conditions, 0.0, 0, 0.0).holds(x)


def _error(y: np.ndarray) -> float:
    return float(np.square(y - y.mean()).sum())
