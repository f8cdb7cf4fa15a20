"""Tasks of the world: support and queries share nothing, proportions are as said, groups stay together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fewsight.domains.episodes import Episodes
from fewsight.domains.given import Given, GivenTasks
from fewsight.errors import DataError


def assay(rare: int = 5, common: int = 45, group: bool = False) -> Given:
    """Example i holds its own number; the first `rare` are of class 0."""
    size = rare + common
    y = (torch.arange(size) >= rare).long()
    return Given(
        "assay", torch.arange(size)[:, None].float(), y, ("hit", "miss"), torch.arange(size) // 5 if group else None
    )


def numbers(x: torch.Tensor) -> list[int]:
    return x[:, 0].int().tolist()


def test_support_is_balanced_and_queries_are_all_others() -> None:
    for task in Episodes(GivenTasks([assay()], shots=2, queries=100), 0, "test").batch(0, 20):
        support, query = numbers(task.support.x), numbers(task.query)
        assert task.support.y.bincount().tolist() == [2, 2]
        assert sorted(support + query) == list(range(50))
        assert task.target.tolist() == [int(i >= 5) for i in query]
        assert task.support.labels == ("hit", "miss")


def test_unbalanced_support_has_every_class_and_the_proportions_of_the_task() -> None:
    tasks = Episodes(GivenTasks([assay()], shots=10, queries=10, balanced=False), 0, "test").batch(0, 300)
    rare = np.array([int((task.support.y == 0).sum()) for task in tasks])
    assert all(task.support.size == 20 for task in tasks)
    assert rare.min() >= 1
    # 20 of 50 with 5 rare ones: hypergeometric, mean 2, variance 1.1; where none came (probability .067) one is put in.
    assert abs(rare.mean() - 2.067) < 4 * np.sqrt(1.1 / 300)


def test_groups_are_not_divided_between_support_and_queries() -> None:
    for task in Episodes(GivenTasks([assay(10, 40, group=True)], shots=2, queries=100), 0, "test").batch(0, 20):
        support, query = {i // 5 for i in numbers(task.support.x)}, {i // 5 for i in numbers(task.query)}
        assert not support & query


def test_values() -> None:
    given = Given("wave", torch.arange(9.0)[:, None], torch.arange(9.0)[:, None] ** 2)
    task = Episodes(GivenTasks([given], shots=4, queries=3), 0, "test")[0]
    assert task.support.ways is None
    assert torch.equal(task.support.y, task.support.x**2)
    assert torch.equal(task.target, task.query**2)
    assert not set(numbers(task.support.x)) & set(numbers(task.query))


def test_too_few_examples_are_named() -> None:
    with pytest.raises(DataError, match="task 'assay' has 5 examples of 'hit', but 6 are needed"):
        GivenTasks([assay()], shots=5, queries=1)
    with pytest.raises(DataError, match="no tasks"):
        GivenTasks([], shots=1, queries=1)


def test_digest_tells_tasks_apart() -> None:
    same, other = assay(), assay()
    other.y[0] = 1
    assert assay().digest() == same.digest() != other.digest()


def test_rare_classes_are_asked_for_where_that_is_wanted() -> None:
    for least, found in ((0, {0, 1, 2, 3}), (2, {2, 3}), (10, {4})):
        family = GivenTasks([assay(rare=5, common=95)], shots=1, queries=20, least=least)
        tasks = Episodes(family, 0, "test").batch(0, 60)
        assert {int((task.target == 0).sum()) for task in tasks} <= found
        assert all(len(set(numbers(task.query))) == 20 for task in tasks)
        assert all(not set(numbers(task.query)) & set(numbers(task.support.x)) for task in tasks)


def test_places_in_a_store_become_inputs() -> None:
    store = torch.arange(50, 100)
    places = Given("assay", torch.arange(50), (torch.arange(50) >= 5).long(), ("hit", "miss"))
    family = GivenTasks([places], shots=2, queries=100, ready=lambda chosen: store[chosen][:, None])
    task = Episodes(family, 0, "test")[0]
    assert sorted(numbers(task.support.x) + numbers(task.query)) == list(range(50, 100))
    assert task.target.tolist() == [int(i >= 55) for i in numbers(task.query)]
