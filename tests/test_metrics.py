"""Metrics against closed forms and scikit-learn; where one is not defined it is NaN."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from fewsight.errors import RecipeError
from fewsight.metrics import METRICS, metric, usual
from fewsight.task import Support, Task


def task(target: torch.Tensor, weight: torch.Tensor | None = None) -> Task:
    classes = None if target.is_floating_point() else ["a", "b", "c"][: int(target.max()) + 1]
    y = target if classes is None else [classes[0]] * len(target)
    support = Support.of(torch.zeros(len(target), 1), y, classes=classes)
    return Task(support, torch.zeros(len(target), 1), target, weight)


def test_against_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 2, (50,), generator=generator)
    scores = torch.randn(50, 2, generator=generator).double()
    margin = (scores[:, 1] - scores[:, 0]).numpy()
    measured = {
        name: METRICS[name].measure(scores, task(target)) for name in ("roc auc", "auprc gain", "balanced accuracy")
    }
    assert measured["roc auc"] == pytest.approx(roc_auc_score(target, margin))
    share = target.double().mean().item()
    assert measured["auprc gain"] == pytest.approx(average_precision_score(target, margin) - share)
    assert measured["balanced accuracy"] == pytest.approx(balanced_accuracy_score(target, scores.argmax(-1)))


def test_hidden_queries_do_not_count() -> None:
    target, weight = torch.tensor([0, 1, 1, 0]), torch.tensor([1.0, 1.0, 1.0, 0.0])
    scores = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 9.0]])
    for name in ("accuracy", "balanced accuracy", "roc auc"):
        assert METRICS[name].measure(scores, task(target, weight)) == 1


def test_values() -> None:
    target = torch.tensor([[1.0], [2.0], [4.0]])
    values = torch.tensor([[1.5], [2.0], [3.0]])
    assert METRICS["absolute error"].measure(values, task(target)) == pytest.approx(0.5)
    assert METRICS["squared error"].measure(values, task(target)) == pytest.approx(1.25 / 3)
    assert METRICS["spearman"].measure(values, task(target)) == pytest.approx(1)
    assert METRICS["spearman"].measure(-values, task(target)) == pytest.approx(-1)
    assert math.isnan(METRICS["spearman"].measure(torch.ones(3, 1), task(target)))


def test_one_class_alone_has_no_auc() -> None:
    assert math.isnan(METRICS["roc auc"].measure(torch.randn(3, 2), task(torch.tensor([1, 1, 1]))))


def test_names_and_directions() -> None:
    assert usual(task(torch.tensor([0, 1]))) == "accuracy"
    assert usual(task(torch.tensor([[0.5]]))) == "squared error"
    assert METRICS["squared error"].better(1, 2)
    assert METRICS["roc auc"].better(2, 1)
    assert METRICS["accuracy"].shown(0.5) == "50.0 %"
    with pytest.raises(RecipeError, match="unknown metric 'auc'"):
        metric("auc")
    with pytest.raises(RecipeError, match="two classes, got 3"):
        METRICS["roc auc"].measure(torch.zeros(2, 3), task(torch.tensor([0, 2])))
