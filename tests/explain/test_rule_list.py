"""A planted rule list is recovered exactly, and where no list is faithful that is what is said."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from formulas import Written, formula_case
from torch import Tensor

from fewsight import tree
from fewsight.explain.case import Case
from fewsight.explain.explanation import Measure
from fewsight.explain.neighbourhood import neighbourhood
from fewsight.explain.rule_list import rule_list
from fewsight.task import Support

WORDS = ("good", "film", "not", "the", "end")


def text_case(rules: tree.Tree) -> Case:
    """A query of five words, whose score is a function of which are shown."""

    def words(count: int) -> tree.Tree:
        return {
            "ids": torch.arange(count * 5).reshape(count, 5),
            "mask": torch.ones(count, 5, dtype=torch.float64),
            "size": torch.full((count,), 5),
        }

    def formula(x: tree.Tree) -> Tensor:
        return rules(*(x["mask"] > 0.5).T)

    case = tiny.case(Written(formula), Support.of(words(4), list("aabb")), words(1), target=("contrast", "a", "b"))
    return replace(case, parts=WORDS)


def measure(measures: tuple[Measure, ...], name: str) -> Measure:
    return next(each for each in measures if each.name == name)


def test_a_planted_list_of_words_is_recovered_exactly() -> None:
    def planted(good: Tensor, film: Tensor, no: Tensor, the: Tensor, end: Tensor) -> Tensor:
        return torch.where(good & ~no, 2.0, torch.where(film, -1.0, 0.5)).double()

    found = rule_list(text_case(planted))
    listed = [
        ({(feature, above) for feature, above, limit in rule["if"]}, rule["then"]) for rule in found.provenance["rules"]
    ]
    assert listed == [
        ({(0, True), (2, False)}, pytest.approx(2.0)),
        ({(1, True)}, pytest.approx(-1.0)),
        (set(), pytest.approx(0.5)),
    ]
    assert all(limit == 0.5 for rule in found.provenance["rules"] for _, _, limit in rule["if"])
    assert found.fidelity[0].value == pytest.approx(1)
    assert measure(found.fidelity, "held-out agreement").value == 1
    assert found.values.sum() == pytest.approx(1)
    assert found.values[[3, 4]].tolist() == [0, 0]
    assert re.match(r"Rule 1: if ('good' and no 'not'|no 'not' and 'good'), then 2 \(", found.notes[0])
    assert "The query itself is answered by rule 2 of 3." in found.notes  # "not" is there, and so is "film"
    assert found.trusted


def test_a_planted_list_of_numbers_is_recovered() -> None:
    center, spread = tiny.query()[0], tiny.support(2, 4).x.std(0, correction=0)
    limits = (center + torch.tensor([0.1, -0.1, 0.2, 0.0]) * spread).tolist()

    def planted(x: Tensor) -> Tensor:
        second = (x[:, 0] <= limits[0]) & (x[:, 1] > limits[1])
        return torch.where(x[:, 2] > limits[2], 3.0, torch.where(second, -1.0, 1.0)).double()

    case = formula_case(planted)
    found, around = rule_list(case), neighbourhood(case)
    first, second, other = found.provenance["rules"]
    assert [(feature, above) for feature, above, _ in first["if"]] == [(2, True)]
    assert {(feature, above) for feature, above, _ in second["if"]} == {(0, False), (1, True)}
    assert (first["then"], second["then"], other["then"]) == pytest.approx((3, -1, 1))
    for feature, _, limit in first["if"] + second["if"]:
        column = around.readable[:, feature]
        between = (column > min(limit, limits[feature])) & (column <= max(limit, limits[feature]))
        assert between.mean() < 0.02  # no row that is left tells this limit from the planted one
    assert first["rows"] == (around.earned == 3).sum()
    assert second["rows"] == (around.earned == -1).sum()
    assert found.fidelity[0].value > 0.95
    one = measure(found.fidelity, "held-out R2 of one rule")
    assert one.value < found.fidelity[0].value - 0.05
    assert one.passed is None


def test_where_no_list_is_faithful_it_says_so() -> None:
    """Whether an odd number of five words is there: no word, and no two of them, says anything of it."""

    def parity(*words: Tensor) -> Tensor:
        return torch.stack(words).double().sum(0).remainder(2) * 2 - 1

    found = rule_list(text_case(parity))
    assert found.fidelity[0].value < 0.1
    assert str(found).startswith("NOT TO BE TRUSTED AS IT STANDS (held-out R2")
    agreement = measure(found.fidelity, "held-out agreement")
    usual = float(agreement.meaning.split()[-1])
    assert 0.5 <= usual < 0.6
    assert agreement.value < usual + 0.1


def test_no_rule_is_said() -> None:
    found = rule_list(text_case(lambda good, *others: good.double() * 0 + 2))
    assert found.notes[0] == "No rule says more than the mean of all changed queries."
    assert not found.values.any()


def test_values_have_no_side() -> None:
    """A regression task: no answer that 0 divides from another."""
    case = tiny.case(tiny.learner("ridge", outputs=1), tiny.values_support())
    found = rule_list(case)
    assert [each.name for each in found.fidelity] == ["held-out R2", "held-out R2 of one rule"]
    assert np.isfinite(found.values).all()
