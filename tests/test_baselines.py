"""The baselines against scikit-learn directly and against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from fewsight.baselines import centroid, defaults, logistic_regression, random_forest, raw, ridge_regression
from fewsight.domains import Episodes
from fewsight.metrics import METRICS, usual
from fewsight.task import Support, Task
from fewsight.tree import Tree


def baselines(task: Task) -> dict[str, float]:
    """The usual figure of each baseline that applies."""
    found = {name: method(task) for name, method in defaults().items()}
    return {name: METRICS[usual(task)].measure(scores, task) for name, scores in found.items() if scores is not None}


def made(x: Tree, y: object, query: Tree) -> Task:
    support = Support.of(x, y)  # type: ignore[arg-type]
    target = support.y[:1].expand(len(query), *support.y.shape[1:])
    return Task(support, query, target)


@pytest.mark.parametrize("index", range(3))
def test_classification(digits: Episodes, index: int) -> None:
    task = digits[index]
    x, y = task.support.x.flatten(1), task.support.y
    query, target = task.query.flatten(1), task.target
    nearest = y[torch.cdist(query.double(), x.double()).argmin(-1)]
    logistic = LogisticRegression(max_iter=5000).fit(x.numpy(), y.numpy()).predict(query.numpy())
    assert baselines(task) == {
        "nearest neighbour on raw inputs": pytest.approx(float((nearest == target).double().mean())),
        "logistic regression on raw inputs": pytest.approx(float((logistic == target.numpy()).mean())),
    }


def test_ridge_regression_is_the_normal_equations() -> None:
    """w = (X'X + I)^-1 X'y on centred data, in two dimensions of input and two of output."""
    rng = np.random.default_rng(0)
    x, y, query = rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), rng.normal(size=(4, 2))
    centred = x - x.mean(0)
    slope = np.linalg.solve(centred.T @ centred + np.eye(2), centred.T @ (y - y.mean(0)))
    found = ridge_regression(raw)(made(*map(torch.from_numpy, (x, y, query))))
    assert found is not None
    np.testing.assert_allclose(found, y.mean(0) + (query - x.mean(0)) @ slope)


def test_one_output_keeps_its_dimension() -> None:
    """A column of values must not be broadcast against a row."""
    x = torch.arange(4.0)[:, None]
    found = ridge_regression(raw)(made(x, x, x))
    assert found is not None
    assert found.shape == (4, 1)
    task = Task(Support.of(torch.arange(4.0)[:, None], torch.arange(4.0)), torch.ones(3, 1), torch.full((3, 1), 1.5))
    assert baselines(task)["mean of the support"] == 0


def test_one_class_alone() -> None:
    task = Task(Support.of(torch.zeros(2, 3), ["b", "b"], classes=["a", "b"]), torch.zeros(4, 3), torch.ones(4).long())
    for method in (logistic_regression, random_forest):
        found = method(raw)(task)
        assert found is not None
        assert found.argmax(-1).tolist() == [1, 1, 1, 1]
        assert torch.isfinite(found).all()


def test_centroid_is_the_class_whose_mean_points_the_same_way() -> None:
    x = torch.tensor([[1.0, 0.0], [3.0, 1.0], [0.0, 2.0]])
    found = centroid(raw)(made(x, ["a", "a", "b"], torch.tensor([[5.0, 1.0], [1.0, 9.0]])))
    means = torch.tensor([[2.0, 0.5], [0.0, 2.0]])
    expected = torch.nn.functional.cosine_similarity(torch.tensor([[5.0, 1.0], [1.0, 9.0]])[:, None], means, dim=-1)
    assert found is not None
    torch.testing.assert_close(found.float(), expected)


def test_a_forest_answers_with_shares_that_sum_to_one(digits: Episodes) -> None:
    found = random_forest(raw, trees=10)(digits[0])
    assert found is not None
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(len(found)).double(), atol=1e-4, rtol=0)


def test_the_number_of_threads_comes_back(digits: Episodes) -> None:
    baselines(digits[0])
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        baselines(digits[0])
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_missing_values_count_as_zero(digits: Episodes) -> None:
    task = digits[0]
    empty = task.query == 0
    assert empty.any()
    assert baselines(replace(task, query=torch.where(empty, torch.nan, task.query))) == baselines(task)
