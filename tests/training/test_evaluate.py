"""`evaluate`: right figures, the same tasks for everybody, honest words, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fewsight import recipes, training
from fewsight.domains import Episodes
from fewsight.errors import LearnerError, RecipeError
from fewsight.learner import Learner
from fewsight.learners import MAML, ProtoNet
from fewsight.task import Support, Task
from fewsight.training import evaluate
from fewsight.training.evaluate import renumbered
from fewsight.training.report import LEARNER, UNADAPTED, Report
from fewsight.training.scoring import evaluating, task_scores
from fewsight.training.statistics import calibration_error, interval

NEAREST, LOGISTIC = "nearest neighbour on raw inputs", "logistic regression on raw inputs"
MEAN, RIDGE = "mean of the support", "ridge regression on raw inputs"


@pytest.fixture(scope="module")
def report(digits: Episodes) -> Report:
    return evaluate(ProtoNet(nn.Flatten()), digits, 30)


def test_prototypes_of_one_shot_are_nearest_neighbours(report: Report) -> None:
    """Two independent ways to the same answer, task by task: ours through the learner, scikit-learn's on raw pixels."""
    assert report.main[LEARNER] == pytest.approx(report.main[NEAREST])
    assert 1 / 3 < report.mean < 1


def test_the_unadapted_learner_is_at_chance(report: Report) -> None:
    assert report.main[UNADAPTED] == pytest.approx(np.full(30, 1 / 3))


def test_every_method_meets_the_same_tasks(digits: Episodes, report: Report) -> None:
    assert {len(values) for values in report.main.values()} == {30}
    assert report.tasks == tuple(digits[index].name for index in range(30))
    alone = task_scores(ProtoNet(nn.Flatten()), [digits[7]])
    assert report.main[LEARNER][7] == alone[0]


def test_mean_and_interval_are_over_tasks(report: Report) -> None:
    values = report.main[LEARNER]
    assert report.mean == pytest.approx(sum(values) / 30)
    deviation = np.sqrt(sum((values - values.mean()) ** 2) / 29)
    assert report.interval == pytest.approx(1.96 * deviation / np.sqrt(30))


def test_calibration_pools_all_queries(digits: Episodes, report: Report) -> None:
    confidence, correct = [], []
    for index in range(30):
        task = digits[index]
        probabilities = ProtoNet(nn.Flatten()).adapt(task.support).probabilities(task.query)
        confidence += probabilities.max(-1).values.tolist()
        correct += (probabilities.argmax(-1) == task.target).tolist()
    assert len(confidence) == 30 * 12
    assert report.calibration_error == pytest.approx(calibration_error(np.array(confidence), np.array(correct, float)))


def test_the_protocol_is_measured_from_the_tasks(report: Report) -> None:
    wanted = {"ways": 3, "shots per class": 1, "queries per class": 4, "tasks": 30, "split": "test", "seed": 3}
    assert report.protocol.items() >= (wanted | {"transductive": False}).items()


def test_the_same_seed_gives_the_same_report(digits: Episodes, report: Report) -> None:
    again = evaluate(ProtoNet(nn.Flatten()), digits, 30)
    assert json.dumps(again.to_json()) == json.dumps(report.to_json())
    other = evaluate(ProtoNet(nn.Flatten()), replace(digits, seed=4), 30)
    assert other.mean != report.mean


def test_json_has_everything(report: Report) -> None:
    record = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert record["schema"] == "fewsight.evaluation/1"
    assert record["tasks"][3][LEARNER] == report.main[LEARNER][3]
    assert record["methods"][LOGISTIC]["mean"] == pytest.approx(report.main[LOGISTIC].mean())
    assert record["mean"] == report.mean


def test_evaluation_changes_nothing(digits: Episodes) -> None:
    learner = ProtoNet(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(digits[0].query[0].numel()), nn.Dropout(0.5)))
    learner.train()
    learner.get_submodule("embedding_model.1").eval()
    modes = [module.training for module in learner.modules()]
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    state, gradients = torch.get_rng_state(), torch.is_grad_enabled()
    evaluate(learner, digits, 3)
    assert [module.training for module in learner.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in learner.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled() == gradients
    assert all(parameter.grad is None for parameter in learner.parameters())


def test_modes_come_back_after_an_error() -> None:
    learner = ProtoNet(nn.Dropout()).train()

    def fail() -> None:
        with evaluating(learner):
            assert not learner.embedding_model.training
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert learner.embedding_model.training


def test_label_order_matters_for_a_fixed_head_alone(digits: Episodes, report: Report) -> None:
    assert report.label_order_sd == 0
    pixels = digits[0].query[0].numel()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fixed = MAML(nn.Flatten(), head=3, features=pixels, inner_steps=1, inner_lr=0.01)
    found = evaluate(fixed, digits, 5, baselines={}).label_order_sd
    assert found is not None
    assert found > 0.01


def test_renumbering_keeps_every_name_with_its_images(digits: Episodes) -> None:
    task, order = digits[0], torch.tensor([2, 0, 1])
    new = renumbered(task, order)
    assert task.support.labels is not None
    assert new.support.labels is not None
    for old_y, new_y in zip(task.support.y, new.support.y, strict=True):
        assert task.support.labels[old_y] == new.support.labels[new_y]
    assert torch.equal(new.target, order[task.target])


def test_a_baseline_that_wins_is_said_first(digits: Episodes) -> None:
    class Opposite(ProtoNet):
        def score(self, state: Any, query: Any) -> Tensor:
            return -super().score(state, query)

    report = evaluate(Opposite(nn.Flatten()), digits, 5)
    assert set(report.lost_to) == {NEAREST, LOGISTIC, UNADAPTED}
    means = [report.main[name].mean() for name in report.lost_to]
    assert means == sorted(means, reverse=True)
    assert report.table().startswith(f"THE LEARNER LOSES to {report.lost_to[0]}, by ")
    difference = report.main[report.lost_to[0]] - report.main[LEARNER]
    assert f"{100 * difference.mean():.2f} % ± {100 * interval(difference):.2f}" in report.table().splitlines()[0]


def test_a_learner_that_wins_is_not_blamed(report: Report) -> None:
    best = Report({"accuracy": {LEARNER: np.array([0.9, 0.8]), NEAREST: np.array([0.9, 0.7])}}, ("a", "b"))
    assert best.lost_to == []
    assert best.table().startswith("accuracy on 2 tasks")
    error = Report({"squared error": {LEARNER: np.array([0.9, 0.8]), RIDGE: np.array([0.9, 0.7])}}, ("a", "b"))
    assert error.lost_to == [RIDGE]
    assert "THE LEARNER LOSES to ridge regression on raw inputs, by -0.0500" in error.table()


def test_regression(regressor: Callable[..., MAML], sines: Episodes) -> None:
    report = evaluate(regressor(), sines, 20)
    assert report.metric == "squared error"
    assert set(report.main) == {LEARNER, UNADAPTED, MEAN, RIDGE}
    assert report.calibration_error is None
    assert report.label_order_sd is None
    for index in range(20):
        task = sines[index]
        expected = (task.target - task.support.y.mean()).square().mean()
        assert report.main[MEAN][index] == pytest.approx(float(expected), rel=1e-5)
    assert report.protocol["shots"] == 5
    assert report.protocol["queries"] == 6
    assert "ways" not in report.protocol


def test_hidden_examples_and_queries_do_not_count(digits: Episodes) -> None:
    """Padding changes no figure of any method."""

    class Padded:
        def draw(self, rng: np.random.Generator) -> Task:
            task = digits.family.draw(rng)
            x, y, weight = task.support.x, task.support.y, task.support.weight
            more = torch.cat([weight, torch.zeros(1)])
            support = replace(
                task.support, x=torch.cat([x, x[:1]]), y=torch.cat([y, y[1:2]]), weight=more, reference=more
            )
            asked = torch.cat([task.query_weight, torch.zeros(2)])
            target = torch.cat([task.target, task.target[:2].flip(0) + 1])
            return Task(support, torch.cat([task.query, task.query[:2]]), target % 3, asked, task.name)

    plain = evaluate(ProtoNet(nn.Flatten()), digits, 4)
    padded = evaluate(ProtoNet(nn.Flatten()), replace(digits, family=Padded()), 4)
    for name, values in plain.main.items():
        assert padded.main[name] == pytest.approx(values)
    assert padded.calibration_error == pytest.approx(plain.calibration_error)
    assert padded.protocol == plain.protocol


def test_inputs_of_several_parts_have_no_raw_baseline() -> None:
    class Words:
        def draw(self, rng: np.random.Generator) -> Task:
            def text(count: int) -> dict[str, Tensor]:
                return {"ids": torch.from_numpy(rng.integers(9, size=(count, 4))), "mask": torch.ones(count, 4)}

            return Task(Support.of(text(2), ["a", "b"]), text(4), torch.tensor([0, 1, 0, 1]))

    class Counts(nn.Module):
        def forward(self, x: dict[str, Tensor]) -> Tensor:
            return nn.functional.one_hot(x["ids"], 9).sum(1).float()

    report = evaluate(ProtoNet(Counts()), Episodes(Words(), 0, "words"), 3)
    assert set(report.main) == {LEARNER, UNADAPTED}
    assert "no baseline applies to inputs of this kind" in report.table()


def test_several_metrics_of_the_same_answers(digits: Episodes) -> None:
    """With as many queries of each class, balanced accuracy is accuracy; the first metric is the main one."""
    report = evaluate(ProtoNet(nn.Flatten()), digits, 5, metrics=("balanced accuracy", "accuracy"))
    assert report.metric == "balanced accuracy"
    for name, values in report.scores["accuracy"].items():
        assert report.main[name] == pytest.approx(values)
    assert report.to_json()["also"]["accuracy"]["learner"]["mean"] == pytest.approx(report.mean)
    with pytest.raises(RecipeError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        evaluate(ProtoNet(nn.Flatten()), digits, 5, metrics=["acuracy"])


def test_refusals(digits: Episodes) -> None:
    with pytest.raises(RecipeError, match="at least 2 tasks, got 1"):
        evaluate(ProtoNet(nn.Flatten()), digits, 1)

    class Broken(Learner):
        def solve(self, support: Support) -> Any:
            return torch.tensor(float("nan"))

        def score(self, state: Any, query: Any) -> Tensor:
            return state.expand(len(query), 3)

    with pytest.raises(LearnerError, match="NaN"):
        evaluate(Broken(), digits, 2)


def test_a_run_is_evaluated_as_its_recipe_says(tmp_path: Path) -> None:
    recipe = recipes.load("sinusoid-maml", ["hidden=[8]", "steps=2", "validate_every=2", "strategy=loop"])
    run, _ = training.train(recipe, tmp_path / "run", progress=False)
    report = training.evaluate_run(run, tasks=3, shots=7, overrides=["inner_steps=4"])
    assert report.protocol["shots"] == 7
    assert report.protocol["queries"] == recipe.test.queries
    assert report.protocol["learner"]["inner_steps"] == 4
    assert report.protocol["recipe"] == "sinusoid-maml"
    assert report.protocol["split"] == "test"
    usual = training.evaluate_run(run, tasks=3)
    assert usual.protocol["shots"] == recipe.test.shots
