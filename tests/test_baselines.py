"""The baselines against scikit-learn directly and against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from fewsight.domains import Episodes
from fewsight.task import Support, Task
from fewsight.training.baselines import baselines, logistic_regression, ridge_regression


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
    np.testing.assert_allclose(ridge_regression(x, y, query), y.mean(0) + (query - x.mean(0)) @ slope)


def test_one_output_keeps_its_dimension() -> None:
    """A column of values must not be broadcast against a row."""
    x = np.arange(4.0)[:, None]
    assert ridge_regression(x, x, x).shape == (4, 1)
    task = Task(Support.of(torch.arange(4.0)[:, None], torch.arange(4.0)), torch.ones(3, 1), torch.full((3, 1), 1.5))
    assert baselines(task)["mean of the support"] == 0


def test_one_class_alone() -> None:
    assert logistic_regression(np.zeros((2, 3)), np.array([1, 1]), np.zeros((4, 3))).tolist() == [1, 1, 1, 1]


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
