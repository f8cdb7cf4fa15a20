"""Sanity controls: what they change, and when an explanation fails them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from torch import nn

from fewsight.explain.controls import NAMES, compare, shuffled_labels, shuffled_parameters, variant
from fewsight.explain.influence import influence
from fewsight.explain.path import path
from fewsight.explain.query import integrated_gradients
from fewsight.explain.subsets import leave_one_out, shapley
from fewsight.learners import ProtoNet
from fewsight.task import Support


def test_shuffled_parameters_keep_the_numbers_and_lose_the_order() -> None:
    learner = tiny.learner()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    copy = shuffled_parameters(learner, np.random.default_rng(0))
    for name, value in copy.state_dict().items():
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
        assert value.numel() == 1 or not torch.equal(value, before[name])
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


@pytest.mark.parametrize("labels", ["abcde", "aabbcc", "aaabbbbb", "ab", "aaaab"])
def test_shuffled_labels_are_derangements_as_far_as_there_are_any(labels: str) -> None:
    support = Support.of(torch.zeros(len(labels), 2), list(labels))
    most = max(labels.count(label) for label in labels)
    unavoidable = max(0, 2 * most - len(labels))
    for seed in range(30):
        order = shuffled_labels(support, np.random.default_rng(seed))
        assert sorted(order) == list(range(len(labels)))
        assert sum(labels[i] == labels[j] for i, j in enumerate(order)) == unavoidable


def test_shuffled_values_of_regression() -> None:
    support = tiny.values_support()
    order = shuffled_labels(support, np.random.default_rng(0))
    assert (order != np.arange(6)).all()


def test_draws_differ_and_repeat() -> None:
    case = tiny.case(tiny.learner(), tiny.support(5, 1))
    for control in ("parameters", "labels"):
        first, again, *others = (shapley(variant(case, control, draw)).values for draw in (0, 0, 1, 2, 3))
        np.testing.assert_array_equal(first, again)
        assert not all(np.allclose(first, other) for other in others)


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
def test_without_adaptation_no_support_example_matters(name: str) -> None:
    case = tiny.case(tiny.learner(name), tiny.support())
    skipped = variant(case, "adaptation")
    for explain in (shapley, path, influence, leave_one_out):
        again = explain(skipped)
        assert np.abs(again.values).max() < 1e-12
        measure = compare(case, explain(case), [again], "adaptation")
        assert measure.value == 0
        assert measure.passed is True
        assert "every value became 0" in measure.meaning


def test_an_explanation_that_ignores_what_is_controlled_fails() -> None:
    """The same values whatever the labels: a control that is reproduced is flagged."""
    case = tiny.case(tiny.learner(), tiny.support(3, 3))
    found = shapley(case)
    stubborn = [found] * 5
    for control in NAMES:
        assert compare(case, found, stubborn, control).passed is False
    flagged = replace(found, controls=(compare(case, found, stubborn, "labels"),))
    assert "control: support labels shuffled" in str(flagged).splitlines()[0]


def test_unrelated_values_pass_with_enough_draws_and_are_undecided_with_few() -> None:
    case = tiny.case(tiny.learner(), tiny.support(5, 1))
    found = shapley(case)

    def draws(count: int, values: object) -> list[object]:
        return [replace(found, values=np.asarray(v)) for v in values(count)]  # type: ignore[operator]

    generator = np.random.default_rng(0)
    many = draws(20, lambda n: generator.normal(size=(n, 5)))
    assert compare(case, found, many, "labels").passed is True  # type: ignore[arg-type]
    # Two draws, one alike and one not.
    few = [found, replace(found, values=-found.values)]
    measure = compare(case, found, few, "labels")
    assert measure.passed is None
    assert "undecided" in measure.meaning
    assert measure.interval == (-1.0, 1.0)


def test_the_class_of_an_example_alone_is_no_agreement_under_shuffled_parameters() -> None:
    """For its class, against the others: so much is fixed by the labels. Within these groups the order must repeat."""
    case = tiny.case(tiny.learner(), tiny.support(2, 4), target=("margin", "a"))
    found = replace(shapley(case), values=np.array([4.0, 3, 2, 1, -1, -2, -3, -4]))
    other = replace(found, values=np.array([1.0, 2, 3, 4, -4, -3, -2, -1]))
    assert compare(case, found, [other], "labels").value > 0.5
    assert compare(case, found, [other], "parameters").value == pytest.approx(-1)


def test_too_few_players_are_said_to_be_too_few() -> None:
    case = tiny.case(tiny.learner(), tiny.support(3, 1))
    measure = compare(case, shapley(case), [shapley(variant(case, "labels"))], "labels")
    assert np.isnan(measure.value)
    assert measure.passed is None
    assert "not defined" in measure.meaning


def test_maps_of_the_query_follow_the_labels() -> None:
    """Twenty features, of which the labels decide; with shuffled labels the map is another one."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(8, 20, dtype=torch.float64, generator=generator)
    support = Support.of(x, list("aabbccdd"))
    case = tiny.case(ProtoNet(nn.Flatten()), support, x[:1] + 0.1, ("contrast", "a", "b"))
    again = [integrated_gradients(variant(case, "labels", draw)) for draw in range(10)]
    assert compare(case, integrated_gradients(case), again, "labels").passed is True
