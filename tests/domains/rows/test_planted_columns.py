"""Do explanations find the columns that decide, where these are known? The label depends on two columns of ten."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from fewsight import tree
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.rows.schema import Column
from fewsight.explain import explain
from fewsight.learner import task_loss, task_metric
from fewsight.learners import Ridge
from fewsight.networks.rows import RowSet
from fewsight.task import Support, Task

NUMBERS, CATEGORIES = 8, 2
FORM = RowFormat(
    tuple(Column(f"number {i}") for i in range(NUMBERS))
    + tuple(Column(f"kind {i}", "category", ("a", "b", "c")) for i in range(CATEGORIES)),
    code=3,
)
SHOTS, QUERIES = 32, 40
ACCURATE = 0.9


def planted(seed: int) -> tuple[Task, np.ndarray]:
    """A task, and which of its columns decide: the sign of a sum of two columns of numbers, chosen for the task."""
    rng = np.random.default_rng(seed)
    size = SHOTS + QUERIES
    values = np.concatenate([rng.normal(size=(size, NUMBERS)), rng.integers(3, size=(size, CATEGORIES))], 1)
    deciding = rng.choice(NUMBERS, 2, replace=False)
    label = torch.from_numpy((values[:, deciding] @ rng.choice([-1.0, 1.0], 2) > 0).astype(np.int64))
    values[rng.random(values.shape) < 0.05] = np.nan
    x = FORM.tensors(values)
    support = Support.of(tree.take(x, slice(SHOTS)), label[:SHOTS], classes=[0, 1])
    task = Task(support, tree.take(x, slice(SHOTS, None)), label[SHOTS:])
    return task, np.isin(np.arange(len(FORM.columns)), deciding)


@cache
def trained() -> Ridge:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        learner = Ridge(RowSet(*FORM.shape["cells"], features=128, hidden=32), regularisation=0.3)
    optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
    for step in range(120):
        optimizer.zero_grad()
        for part in range(4):
            task, _ = planted(4 * step + part)
            (task_loss(learner(task.support, task.query), task) / 4).backward()
        optimizer.step()
    return learner.eval()


@pytest.mark.parametrize("kind", ["occlusion", "query_shapley"])
def test_deciding_columns_are_found_where_the_model_is_accurate(kind: str) -> None:
    learner = trained()
    found = []
    for seed in range(100_000, 100_060):
        task, deciding = planted(seed)
        with torch.no_grad():
            accuracy = float(task_metric(learner(task.support, task.query), task))
        if accuracy < ACCURATE:
            continue
        worth = np.mean(
            [np.abs(_worth(learner, task, query, kind)) for query in range(8)],
            0,
        )
        found.append(roc_auc_score(deciding, worth))
        if len(found) == 8:
            break
    assert len(found) == 8, "the model must be accurate somewhere for this to be a test"
    assert np.mean(found) >= 0.9


def _worth(learner: Ridge, task: Task, query: int, kind: str) -> np.ndarray:
    """Of each column; what is missing is worth nothing."""
    one = tree.take(task.query, slice(query, query + 1))
    return explain(learner, task.support, one, kind, parts=FORM.names, checks=False).explanations[kind].values


def test_columns_that_are_missing_get_nothing() -> None:
    task, _ = planted(7)
    one = tree.take(task.query, slice(0, 1))
    one["mask"][0, 3] = 0
    one["cells"][0, 3] = 0
    found = explain(trained(), task.support, one, "query_shapley", parts=FORM.names, checks=False)
    assert found.explanations["query_shapley"].values[3] == 0
