"""A calibrated "none of these": the promised rate holds, the right measure is chosen, outsiders are told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from fewsight.domains.episodes import Episodes
from fewsight.errors import LearnerError, RecipeError
from fewsight.learners import create
from fewsight.networks import MLP
from fewsight.rejection import MEASURES, auroc, calibrate, quantile, without_last_class
from fewsight.task import Support, Task


@dataclass(frozen=True)
class Blobs:
    """Classes are normal clouds around random centres; the harder, the nearer they are."""

    spread: float = 3.0
    ways: int = 4
    queries: int = 5

    def draw(self, rng: np.random.Generator) -> Task:
        centre = self.spread * rng.normal(size=(self.ways, 6))
        size = 3 + self.queries
        x = torch.from_numpy(centre[:, None] + rng.normal(size=(self.ways, size, 6))).float()
        y = torch.arange(self.ways)
        return Task(
            Support.of(x[:, :3].reshape(-1, 6), y.repeat_interleave(3)),
            x[:, 3:].reshape(-1, 6),
            y.repeat_interleave(self.queries),
        )


def learner():
    return create("protonet", nn.Flatten())


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_promised_rate_is_kept_on_new_tasks_and_outsiders_are_rejected(rate: float) -> None:
    found = calibrate(learner(), Episodes(Blobs(), 0, "calibration"), 200, rate)
    wrongly, rightly = [], []
    for index in range(400):
        task = Episodes(Blobs(), 1, "new")[index]
        scores, belongs = without_last_class(learner(), task)
        rejected = found.belonging(scores) < found.threshold
        wrongly.append(rejected[belongs].double().mean().item())
        rightly.append(rejected[~belongs].double().mean().item())
    error = 4 * np.std(wrongly) / 20 + 4 * np.sqrt(rate * (1 - rate) / found.queries)
    assert abs(np.mean(wrongly) - rate) < error < 0.6 * rate
    assert np.mean(rightly) > 0.85
    assert found.auroc > 0.95


def test_distance_tells_outsiders_where_sureness_does_not() -> None:
    """A far outsider lies much nearer to one class than to the others, so its probability is high."""
    found = calibrate(learner(), Episodes(Blobs(), 0, "calibration"), 100)
    assert found.measure in ("top score", "energy")


def test_a_model_rejects_what_its_threshold_says() -> None:
    found = calibrate(learner(), Episodes(Blobs(), 0, "calibration"), 50)
    task = Blobs().draw(np.random.default_rng(7))
    model = learner().adapt(task.support)
    far = torch.full((1, 6), 50.0)
    assert found.rejects(model, far).tolist() == [True]
    assert found.rejects(model, task.support.x).float().mean() < 0.3


@pytest.mark.parametrize("rate", [0.1, 0.37])
def test_quantile_is_exact_for_exchangeable_values(rate: float) -> None:
    """Of n + 1 exchangeable values the last lies below the k-th smallest of the others with probability k / (n + 1)."""
    rng = np.random.default_rng(0)
    below = [values[-1] < quantile(values[:-1], rate) for values in rng.normal(size=(20_000, 20))]
    expected = np.floor(rate * 20) / 20
    assert abs(np.mean(below) - expected) < 4 * np.sqrt(expected / 20_000)


def test_auroc_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    inside, outside = rng.integers(0, 9, 40) / 4, rng.integers(0, 7, 30) / 4
    assert auroc(inside, outside) == pytest.approx(roc_auc_score([1] * 40 + [0] * 30, [*inside, *outside]))


def test_measures() -> None:
    scores = torch.tensor([[0.0, 2.0, -1.0]])
    probability = scores.softmax(-1).max()
    expected = {"top score": 2.0, "energy": scores.exp().sum().log(), "probability": probability.log(), "margin": 2.0}
    assert {name: float(measure(scores)) for name, measure in MEASURES.items()} == pytest.approx(
        {name: float(value) for name, value in expected.items()}
    )


def test_what_cannot_be_promised_is_said() -> None:
    with pytest.raises(RecipeError, match="between 0 and 1"):
        calibrate(learner(), Episodes(Blobs(), 0, "c"), 5, 1.0)
    with pytest.raises(RecipeError, match="on more tasks"):
        calibrate(learner(), Episodes(Blobs(), 0, "c"), 5, 0.001)
    with pytest.raises(LearnerError, match="three or more"):
        calibrate(learner(), Episodes(Blobs(ways=2), 0, "c"), 5)
    values = create("ridge", MLP([6, 4]), 1)
    with pytest.raises(LearnerError, match="classification"):
        without_last_class(
            values, Task(Support.of(torch.zeros(2, 6), torch.zeros(2)), torch.zeros(1, 6), torch.zeros(1, 1))
        )
