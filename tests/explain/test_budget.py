"""A budget of seconds: what it stops, what it says of that, what comes first, and what it never touches."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import inf
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from ticks import Ticks

from fewsight.errors import ExplanationError
from fewsight.experience import Experience, value
from fewsight.explain import KINDS, Analysis, coalitions, controls, explain, game, schedule, subsets, verify
from fewsight.explain.clock import LATE, Clock, OutOfTimeError
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.path import path
from fewsight.explain.task_influence import task_influence
from fewsight.task import Task

UNIT = 1.0
"""Seconds that an adaptation takes here, or a chunk of them."""
PREDICTION = 3 * UNIT
"""The adapted and the un-adapted model, one of them twice to see what it costs."""


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    monkeypatch.setattr(verify, "DRAWS", verify.FEWEST_DRAWS)
    return Ticks(monkeypatch)


def explained(ticks: Ticks, name: str, budget: float, **given: Any) -> tuple[Analysis, float]:
    """The default analysis of a learner each of whose adaptations takes a `UNIT`, and the seconds that it took."""
    learner = tiny.learner(name)
    if not hasattr(type(learner).solve, "costly"):
        ticks.costs(type(learner), "solve", UNIT)
    before = ticks.now
    found = explain(learner, tiny.support(), tiny.query(), budget_seconds=budget, **given)
    return found, ticks.now - before


def late(found: Analysis) -> dict[str, str]:
    return {name: why for name, why in found.left_out.items() if "budget_seconds" in why}


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
@pytest.mark.parametrize("budget", [0.0, 2.0, 10.0, 50.0, 200.0])
def test_it_takes_one_piece_of_work_longer_at_most(ticks: Ticks, name: str, budget: float) -> None:
    found, taken = explained(ticks, name, budget)
    assert taken <= max(budget, PREDICTION) + UNIT
    assert sum(found.probabilities) == pytest.approx(1)
    assert set(found) | set(found.left_out) >= set(KINDS)
    assert not set(found) & set(found.left_out)


def test_without_time_there_is_still_the_prediction(ticks: Ticks) -> None:
    learner = tiny.learner("protonet")
    experience = Experience.of(learner, [Task(tiny.support(), tiny.query(), torch.tensor([0]))])
    found, _ = explained(ticks, "protonet", 0.0, experience=experience)
    assert not found
    assert set(found.left_out) == {*KINDS, "task_map"}
    assert found.left_out["shapley"] == found.left_out["task_map"] == LATE
    whole, _ = explained(ticks, "protonet", inf, experience=experience)
    assert found.scores == whole.scores
    assert whole.task_map is not None


@pytest.mark.parametrize("name", ["maml", "protonet"])
def test_time_changes_what_is_made_but_not_what_it_says(ticks: Ticks, name: str) -> None:
    whole, _ = explained(ticks, name, inf)
    assert not late(whole)
    made = []
    for budget in (20.0, 60.0, 180.0):
        some, _ = explained(ticks, name, budget)
        made.append(len(some))
        for kind, explanation in some.items():
            if KINDS[kind].exact and explanation.complete:
                np.testing.assert_allclose(explanation.values, whole[kind].values, atol=1e-6)
    assert 0 < made[0] <= made[1] <= made[2] <= len(whole)
    assert made[0] < len(whole)


def test_examples_and_query_come_first_and_are_checked_before_anything_else(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def spied(name: str) -> Any:
        def made(case: Any) -> Explanation:
            if case.learner is learner and case.support is support:  # a control has another learner or support
                events.append(name)
            return KINDS[name].explain(case)

        return replace(KINDS[name], explain=made)

    checked = verify.verify

    def spy(found: Any, last: float) -> dict[str, str]:
        events.append("checks")
        return checked(found, last)

    monkeypatch.setattr(schedule, "verify", spy)
    learner, support = tiny.learner("protonet"), tiny.support()
    case = tiny.case(learner, support)
    monkeypatch.setattr(verify, "DRAWS", verify.FEWEST_DRAWS)
    found, _ = schedule.carry_out(case, {name: spied(name) for name in KINDS}, False, None, True)
    first, second = (i for i, event in enumerate(events) if event == "checks")
    assert all(KINDS[name].of in schedule.FIRST for name in events[:first])
    assert not any(KINDS[name].of in schedule.FIRST for name in events[first + 1 : second])
    assert second == len(events) - 1
    assert {"shapley", "leave_one_out", "path", "integrated_gradients"} <= set(events[:first])
    assert list(found) == [name for name in KINDS if name in found]  # shown in the order of the table


def test_what_was_asked_for_is_made_or_said_to_be_left_out(ticks: Ticks) -> None:
    kinds = ["leave_one_out", "shapley"]
    some, _ = explained(ticks, "maml", 8.0, what=kinds, checks=False)
    assert set(some) | set(some.left_out) == set(kinds)
    with pytest.raises(ExplanationError, match="shapley: no time left"):
        explained(ticks, "maml", 0.0, what=kinds)


@pytest.mark.parametrize("budget", [20.0, 60.0, 180.0])
def test_random_controls_are_drawn_often_enough_or_left_out(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch, budget: float
) -> None:
    compare, draws = controls.compare, []

    def spy(case: Any, explanation: Explanation, again: list[Explanation], control: str) -> Measure:
        if control in verify.RANDOM:
            draws.append(len(again))
        return compare(case, explanation, again, control)

    monkeypatch.setattr(controls, "compare", spy)
    monkeypatch.setattr(verify, "DRAWS", verify.FEWEST_DRAWS + 1)
    found, _ = explained(ticks, "protonet", budget)
    assert all(count >= verify.FEWEST_DRAWS for count in draws)
    for name, explanation in found.items():
        if KINDS[name].of not in ("model", "search"):
            assert (len(explanation.controls) < len(controls.NAMES)) is (f"controls of {name}" in found.left_out)


def test_a_share_is_of_what_is_left(ticks: Ticks) -> None:
    clock = Clock(8.0)
    ticks.now = 4.0
    with clock.share(0.5):
        assert clock.left == 2.0
        with clock.share(0.5):
            ticks.now = 5.0
            with pytest.raises(OutOfTimeError):
                clock.check()
        clock.check()
    assert clock.left == 3.0
    ticks.now = 8.0
    with pytest.raises(OutOfTimeError), clock.share(1.0):
        raise AssertionError("nothing is begun without time")
    Clock().check()


def test_what_was_computed_before_time_ran_out_is_not_computed_again(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coalitions, "WIDEST", 4)
    ticks.costs(coalitions, "_vectorised", UNIT)
    ticks.costs(coalitions, "_alone", UNIT)
    case, masks = tiny.case(tiny.learner(), tiny.support()), game.coalitions(6)
    expected = coalitions.values(tiny.case(case.learner, case.support), masks)
    case = replace(case, clock=Clock(5.0))
    with pytest.raises(OutOfTimeError):
        coalitions.values(case, masks)
    begun = len(case.known)
    assert 0 < begun < len(masks)
    case = replace(case, clock=Clock())
    before = ticks.now
    np.testing.assert_allclose(coalitions.values(case, masks), expected, atol=1e-12)
    assert ticks.now - before == np.ceil((len(masks) - begun) / 4)


def test_an_estimate_keeps_what_it_had_when_time_runs_out(ticks: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share of an estimate may end while it is being refined: then the last one is given, with what it misses."""
    monkeypatch.setattr(subsets, "PRECISION", 0.0)
    monkeypatch.setattr(subsets, "PAIRS", (2, 4))
    monkeypatch.setattr(coalitions, "WIDEST", 4)
    case = tiny.case(tiny.learner(activation="relu"), tiny.support(4, 4))
    ticks.costs(coalitions, "_vectorised", UNIT)
    ticks.costs(coalitions, "_alone", UNIT)
    for made in (partial(path, nodes=2, panels=4, bound=1e-9), subsets.shapley):
        made(replace(case, deadline=-1.0, known={}))  # from here on it is known what adaptations cost
        before = ticks.now
        expected = made(replace(case, deadline=-1.0, known={}))
        needed = ticks.now - before
        finer = made(replace(case, known={}))
        assert not np.allclose(finer.values, expected.values, atol=1e-9)
        stopped = made(replace(case, known={}, clock=Clock(needed + 0.5)))
        np.testing.assert_allclose(stopped.values, expected.values, atol=1e-9)


def test_tracing_tasks_without_sketches_is_stopped_between_two_of_them(ticks: Ticks) -> None:
    learner = tiny.learner("protonet")
    tasks = [Task(tiny.support(seed=s), tiny.query(s), torch.tensor([0]), name=f"task {s}") for s in range(5)]
    kept = Experience.of(learner, tasks, sketched=True)
    experience, case = replace(kept, sketches=None), tiny.case(learner, tiny.support())
    ticks.costs(value, "meta_gradient", UNIT)
    before = ticks.now
    with pytest.raises(OutOfTimeError):
        task_influence(replace(case, clock=Clock(2.5 * UNIT)), experience)
    assert ticks.now - before == 3 * UNIT
    sketched = task_influence(replace(case, clock=Clock(0.5 * UNIT)), kept)
    np.testing.assert_allclose(task_influence(case, experience).values, sketched.values, rtol=1e-9)


def test_what_is_known_to_take_more_than_its_share_is_not_begun(ticks: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalitions, "MEMORY", 1)  # one at a time
    ticks.costs(coalitions, "_alone", UNIT)
    case = tiny.case(tiny.learner(), tiny.support())
    coalitions.present(case)
    kinds = {name: KINDS[name] for name in ("leave_one_out", "steps")}
    for seconds, made in ((2 * case.support.size + 1, True), (2 * case.support.size - 1, False)):
        timed, before = replace(case, clock=Clock(seconds), known=dict(case.known)), ticks.now
        found, left_out = schedule._made(timed, kinds, False, None, schedule.HALF)
        assert ("leave_one_out" in found) is made
        assert made or left_out["leave_one_out"] == "would take about 6.0 s, more than its share of budget_seconds"
        assert made or ticks.now - before < case.support.size
