"""Rules are learned as they were planted, each by the best split there is, and none from noise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from fewsight.explain.rules import DOUBT, LEAST, Condition, learn


@pytest.mark.parametrize("seed", range(10))
def test_a_planted_list_is_recovered(seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((512, 6))
    first, second = x[:, 4] > 0.3, (x[:, 1] <= 0.2) & (x[:, 2] > -0.4)
    found = learn(x, np.where(first, 3.0, np.where(second, -1.0, 1.0)))
    conditions = [{(c.feature, c.above) for c in rule.conditions} for rule in found.rules]
    assert conditions == [{(4, True)}, {(1, False), (2, True)}, set()]
    assert [rule.value for rule in found.rules] == pytest.approx([3, -1, 1])
    assert (found.which(x) == np.where(first, 0, np.where(second, 1, 2))).all()


@pytest.mark.parametrize("seed", range(5))
def test_one_rule_of_one_condition_is_the_best_split_of_a_tree(seed: int) -> None:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((200, 5)).round(1)  # ties too
    y = x[:, seed] ** 2 + x.sum(1) + 0.3 * generator.standard_normal(200)
    stump = DecisionTreeRegressor(max_depth=1, min_samples_leaf=LEAST, random_state=0).fit(x, y)
    rule, rest = learn(x, y, 1, 1).rules
    (condition,) = rule.conditions
    assert condition == Condition(stump.tree_.feature[0], condition.above, pytest.approx(stump.tree_.threshold[0]))
    np.testing.assert_allclose(learn(x, y, 1, 1).predict(x), stump.predict(x))
    # Of the two sides the rule takes the one whose rows agree more.
    inside = rule.holds(x)
    assert np.square(y[inside] - rule.value).sum() <= np.square(y[~inside] - rest.value).sum()


def test_every_row_is_answered_by_the_first_rule_that_holds_and_errors_add_up() -> None:
    generator = np.random.default_rng(0)
    x = (generator.random((300, 8)) < 0.5).astype(float)
    y = 2 * x[:, 0] - x[:, 1] * x[:, 2] + x[:, 3] + 0.2 * generator.standard_normal(300)
    found = learn(x, y, most=4)
    assert 1 < len(found.rules) <= 5
    rows, taken = np.arange(300), 0.0
    for place, rule in enumerate(found.rules):
        mine = rows
        for condition in rule.conditions:
            mine = mine[(x[mine, condition.feature] > condition.limit) == condition.above]
        assert (found.which(x)[mine] == place).all()
        assert rule.rows == len(mine) >= LEAST
        assert rule.value == pytest.approx(y[mine].mean())
        taken += rule.removed
        rows = np.setdiff1d(rows, mine)
    assert not rows.size
    assert taken == pytest.approx(np.square(y - y.mean()).sum() - np.square(y - found.predict(x)).sum())


def test_noise_gives_no_rules() -> None:
    """The chance is DOUBT at most for each; more than 6 of 100 would come by chance once in ten thousand times."""
    generator = np.random.default_rng(0)
    lists = [learn(generator.standard_normal((200, 5)), generator.standard_normal(200)) for _ in range(100)]
    assert DOUBT == 0.01
    assert sum(len(found.rules) > 1 for found in lists) <= 6


def test_nothing_to_say() -> None:
    x = np.random.default_rng(0).standard_normal((50, 3))
    for constant in (np.full(50, 2.0), 2.0 + 1e-9 * x[:, 0]):
        (rule,) = learn(x, constant).rules
        assert (rule.conditions, rule.value) == ((), pytest.approx(2))
    assert len(learn(np.zeros((50, 3)), x[:, 0]).rules) == 1
