"""The smallest set to remove or relabel, held against brute force and against adapting again."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import tiny
import torch

from fewsight.errors import ExplanationError
from fewsight.explain import counterfactual
from fewsight.explain.case import Case
from fewsight.explain.counterfactual import relabelling, removal
from fewsight.explain.explanation import Explanation
from fewsight.learners import create
from fewsight.task import Support

LEARNERS = ["protonet", "matching", "ridge", "maml", "anil"]


def answer(case: Case, support: Support) -> int:
    with torch.no_grad():
        return int(case.learner(support, case.query)[0].argmax())


def removals(case: Case) -> dict[int, list[np.ndarray]]:
    """By size, all sets of present examples that change the answer and leave every class one; by plain loops."""
    found: dict[int, list[np.ndarray]] = {}
    before = answer(case, case.support)
    for keep in product([False, True], repeat=case.support.size):
        kept = np.array(keep)
        if len(set(case.support.y[kept].tolist())) == case.support.ways:
            given = case.support.take(torch.from_numpy(kept))
            if answer(case, given) != before:
                found.setdefault(int((~kept).sum()), []).append(~kept)
    return found


def check_removal(case: Case, found: Explanation) -> None:
    gone = torch.from_numpy(found.values > 0)
    assert found.value == gone.sum().item()
    after = answer(case, case.support.take(~gone))
    assert after != answer(case, case.support)
    assert after == found.provenance["answer"]
    assert set(case.support.y[~gone].tolist()) == set(case.support.y.tolist())


@pytest.mark.parametrize("name", LEARNERS)
def test_no_smaller_set_removes_the_answer(name: str) -> None:
    radii = []
    for seed in range(4):
        case = tiny.case(tiny.learner(name), tiny.support(2, 3), tiny.query(seed))
        truth, found = removals(case), removal(case)
        radii.append(found.value)
        if truth:
            assert found.value == min(truth)
            assert any((found.values > 0).tolist() == gone.tolist() for gone in truth[min(truth)])
            check_removal(case, found)
            assert "all were tried" in found.notes[1]
        else:
            assert found.value == float("inf")
            assert not found.values.any()
            assert found.baseline is None
            assert "No set" in found.notes[0]
    assert min(radii) < float("inf"), "these cases must not all be without an answer"


@pytest.mark.parametrize(("place", "radius"), [(6.2, 1.0), (6.4, 2.0), (6.6, 3.0), (6.9, 4.0), (7.1, float("inf"))])
def test_a_radius_known_by_hand(place: float, radius: float) -> None:
    """On a line: class means 1 and 11, border 6; the best removals move it to 6.25, 6.5, 6.75 and 7."""
    x = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]], dtype=torch.float64)
    learner = create("protonet", torch.nn.Identity()).double()
    case = tiny.case(learner, Support.of(x, list("aaabbb")), torch.tensor([[place]], dtype=torch.float64))
    assert removal(case).value == radius


@pytest.mark.parametrize("name", LEARNERS)
def test_greedy_search_is_verified_and_nothing_in_it_can_be_spared(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterfactual, "SETS", 6)
    checked = 0
    for seed in range(4):
        case = tiny.case(tiny.learner(name), tiny.support(2, 3), tiny.query(seed))
        found = removal(case)
        truth = removals(case)
        assert found.provenance["at_least"] <= min(truth, default=7)
        if 1 < found.value < float("inf"):
            check_removal(case, found)
            assert found.value >= min(truth)
            for i in np.flatnonzero(found.values):
                fewer = found.values > 0
                fewer[i] = False
                assert answer(case, case.support.take(torch.from_numpy(~fewer))) == answer(case, case.support)
            checked += 1
    assert checked or name in ("maml", "ridge", "anil")


@pytest.mark.parametrize("name", LEARNERS)
def test_relabelling_against_brute_force(name: str) -> None:
    some = 0
    for seed in range(3):
        case = tiny.case(tiny.learner(name), tiny.support(2, 3), tiny.query(seed))
        support, before, size = case.support, answer(case, case.support), 99
        for y in product(range(2), repeat=6):
            given = torch.tensor(y)
            if len(set(y)) == 2 and answer(case, replace(support, y=given)) != before:
                size = min(size, int((given != support.y).sum()))
        found = relabelling(case)
        assert found.value == size
        again = support.y.clone()
        for i, c in found.provenance["moves"]:
            again[i] = c
        assert answer(case, replace(support, y=again)) == found.provenance["answer"] != before
        assert ((again != support.y).numpy() == (found.values > 0)).all()
        some += size < 99
    assert some


def test_classes_of_one_example_can_only_trade_labels() -> None:
    case = tiny.case(tiny.learner("protonet"), tiny.support(3, 1))
    assert removal(case).value == float("inf")
    assert relabelling(case).value == 2


def test_what_is_absent_cannot_be_removed() -> None:
    support = tiny.support(2, 4)
    given = support.reweighted((torch.arange(8) % 4 != 0).double())
    found = removal(tiny.case(tiny.learner("protonet"), given))
    assert not found.values[[0, 4]].any()


def test_many_examples_within_a_budget() -> None:
    """25 examples have too many subsets: sizes that can be tried are, then greedy search takes over."""
    case = tiny.case(tiny.learner("matching"), tiny.support(5, 5))
    found = removal(replace(case, deadline=0.0))
    assert found.provenance["at_least"] == 1
    if found.value < float("inf"):
        check_removal(case, found)


def test_regression_has_no_answer_that_flips() -> None:
    with pytest.raises(ExplanationError, match="regression"):
        removal(tiny.case(tiny.learner("ridge", outputs=1), tiny.values_support()))
    with pytest.raises(ExplanationError, match="regression"):
        relabelling(tiny.case(tiny.learner("ridge", outputs=1), tiny.values_support()))
