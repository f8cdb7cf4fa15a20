"""How little must change in the support set for the answer to change? The smallest set to remove, or to relabel (A11).

The number of examples is the *robustness radius*. Sets are tried by size, all of them, as long as there are not too
many; beyond that the set grows greedily and is then cut down to where nothing in it can be spared. Whatever is found
was verified: the learner adapted again. A class never loses its last example, for without it the task is another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb, inf

import numpy as np
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.explain import clock, coalitions, game
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.quadrature import residual
from fewsight.explain.target import class_names

SETS = 2**game.EXACT
"""Sets of one size that are tried, at most; for up to 12 examples that is every set to remove."""

Move = tuple[int, int]
"""An example, and the label it gets (-1: it is removed)."""
REMOVED = -1


@dataclass(frozen=True)
class Change:
    """What changes the answer.

    Attributes:
        moves: the smallest set found; empty where there is none.
        answer: class index of the new answer (-1: none).
        at_least: no smaller set changes the answer: proven by trying all of them.
    """

    moves: tuple[Move, ...]
    answer: int
    at_least: int

    @property
    def radius(self) -> float:
        """How many examples must change; infinite where no set was found."""
        return float(len(self.moves)) if self.moves else inf


def removal(case: Case) -> Explanation:
    """The smallest set of support examples without which the answer is another, `(K,)`: 1 = in the set.

    `value` is the robustness radius, the size of the set. "Without" means never given ("renormalise").

    Raises:
        ExplanationError: a regression task.
    """
    present = np.flatnonzero(case.support.weight.detach().cpu().numpy() > 0)
    moves = [(int(i), REMOVED) for i in present]
    weight = case.support.weight.detach()

    def scores(sets: Sequence[tuple[Move, ...]]) -> np.ndarray:
        weights = weight.repeat(len(sets), 1)
        for row, chosen in enumerate(sets):
            weights[row, [i for i, _ in chosen]] = 0.0
        return coalitions.scores(case, weights, drop=False)

    question = "Which is the smallest set of support examples without which the answer would be another?"
    return _explanation(case, "removal", question, smallest(case, moves, scores), "renormalise")


def relabelling(case: Case) -> Explanation:
    """The smallest set of support examples whose labels decide the answer, `(K,)`: 1 = relabelled.

    `value` is the robustness radius against wrong labels. The new labels are in the notes and in the provenance.

    Raises:
        ExplanationError: a regression task.
    """
    support = case.support
    present = np.flatnonzero(support.weight.detach().cpu().numpy() > 0)
    labels = support.y.tolist()
    moves = [(int(i), c) for i in present for c in range(support.ways or 0) if c != labels[i]]

    def one(y: Tensor) -> Tensor:
        return case.learner(replace(support, y=y), case.query)[0]

    def scores(sets: Sequence[tuple[Move, ...]]) -> np.ndarray:
        rows = support.y.repeat(len(sets), 1)
        for row, chosen in enumerate(sets):
            for i, c in chosen:
                rows[row, i] = c
        return coalitions.over_rows(case, "relabelled", one, one, rows)

    question = "Which is the smallest set of support examples whose labels, were they others, would change the answer?"
    return _explanation(case, "relabelling", question, smallest(case, moves, scores), "relabel")


def smallest(case: Case, moves: list[Move], scores: Callable[[Sequence[tuple[Move, ...]]], np.ndarray]) -> Change:
    """The smallest set of moves, no two of one example, that changes the predicted class.

    Args:
        scores: sets of moves to scores of the query after adapting again, `(M, N)`.
    """
    if case.support.ways is None:
        raise ExplanationError("a regression task has no answer that flips: ask leave_one_out how far its value moves")
    answer = int(scores([()])[0].argmax())

    def margins(sets: Sequence[tuple[Move, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """The lead of the answer over the best other class, and the class that wins."""
        found = scores(sets)
        others = np.delete(found, answer, axis=1)
        return found[:, answer] - others.max(1), found.argmax(1)

    allowed = _allowed(case)
    started = clock.now()
    for size in range(1, case.support.size + 1):
        # Each size has more sets than all smaller ones together, until there are few again.
        spent = clock.now() - started
        if comb(len(moves), size) > SETS or clock.now() + spent > case.deadline:
            return _greedy(case, moves, margins, allowed, at_least=size)
        sets = [
            chosen for chosen in combinations(moves, size) if len({i for i, _ in chosen}) == size and allowed(chosen)
        ]
        if sets:
            lead, winner = margins(sets)
            if lead.min() < 0:
                best = int(lead.argmin())
                return Change(sets[best], int(winner[best]), size)
    return Change((), -1, case.support.size + 1)


def _greedy(
    case: Case,
    moves: list[Move],
    margins: Callable[[Sequence[tuple[Move, ...]]], tuple[np.ndarray, np.ndarray]],
    allowed: Callable[[tuple[Move, ...]], bool],
    at_least: int,
) -> Change:
    """Always the move that costs the answer most, until it falls; then without those that were not needed."""
    chosen: tuple[Move, ...] = ()
    lead = inf
    while lead >= 0:
        taken = {i for i, _ in chosen}
        sets = [(*chosen, move) for move in moves if move[0] not in taken and allowed((*chosen, move))]
        if not sets:
            return Change((), -1, at_least)
        leads, winners = margins(sets)
        best = int(leads.argmin())
        chosen, lead, answer = sets[best], leads[best], int(winners[best])
    while len(chosen) > 1:
        sets = [chosen[:i] + chosen[i + 1 :] for i in range(len(chosen))]
        sets = [spared for spared in sets if allowed(spared)]
        leads, winners = margins(sets)
        best = int(leads.argmin())
        if leads[best] >= 0:
            break
        chosen, answer = sets[best], int(winners[best])
    return Change(chosen, answer, at_least)


def _allowed(case: Case) -> Callable[[tuple[Move, ...]], bool]:
    """Whether every class that had an example keeps one."""
    y = case.support.y.cpu().numpy()
    here = case.support.weight.detach().cpu().numpy() > 0
    classes = set(y[here].tolist())

    def allowed(chosen: tuple[Move, ...]) -> bool:
        after, left = y.copy(), here.copy()
        for i, c in chosen:
            after[i] = c
            left[i] = c != REMOVED
        return set(after[left].tolist()) == classes

    return allowed


def _explanation(case: Case, kind: str, question: str, change: Change, semantics: str) -> Explanation:
    names = [str(name) for name in class_names(case.support)]
    values = np.zeros(case.support.size)
    values[[i for i, _ in change.moves]] = 1.0
    what = {"removal": "removed", "relabelling": "relabelled"}[kind]
    said = [f"{case.names[i]}{'' if c == REMOVED else f' called {names[c]!r}'}" for i, c in change.moves]
    if not change.moves:
        found = f"No set was found that changes the answer when {what} and leaves every class an example."
    else:
        found = f"The answer becomes {names[change.answer]!r} with {len(said)} {what}: {', '.join(said)}."
    proven = change.at_least >= min(change.radius, case.support.size)
    if proven:
        proof = "No smaller set does: all were tried." if change.moves else "All were tried."
    else:
        proof = f"Sets of fewer than {change.at_least} were all tried, larger ones searched greedily."
    return Explanation(
        kind=kind,
        question=question,
        values=values,
        players=case.names,
        target=f"number of support examples that must be {what} before the answer changes",
        value=change.radius,
        baseline=0.0 if change.moves else None,
        baseline_name="the answer as it is",
        semantics=semantics,
        residual=residual(values, change.radius, 0.0) if change.moves else None,
        notes=(found, proof),
        provenance=case.record(
            moves=[[i, c] for i, c in change.moves], answer=change.answer, at_least=change.at_least, minimal=proven
        ),
    )
