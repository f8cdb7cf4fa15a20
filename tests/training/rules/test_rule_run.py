"""A learned optimizer from a recipe: its run is resumed to the last bit, and its race against others is fair."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from fewsight import recipes
from fewsight.cli import app
from fewsight.errors import FewsightError, RecipeError, RunError
from fewsight.inner import CoordinateLSTM, sgd
from fewsight.inner.families import quadratics
from fewsight.inner.problems import reached
from fewsight.training import Run, evaluate_rule, train_rule
from fewsight.training.rules.race import GRID, LEARNED, TEST, Race, race
from fewsight.training.rules.run import RULE
from fewsight.training.rules.training import RuleTraining, load_rule

SMALL = [
    *("episodes=12", "steps=6", "unroll=3", "validate_problems=4", "checkpoint_every=2"),
    *("problems.batch=4", "problems.size=3", "unseen.batch=4", "unseen.size=3"),
]


def recipe(*more: str) -> recipes.RuleRecipe:
    found = recipes.load("quadratics-lstm", [*SMALL, *more])
    assert isinstance(found, recipes.RuleRecipe)
    return found


class Stopped(BaseException):
    """As a kill: nothing catches it."""


@pytest.mark.parametrize("moment", [1, 2, 5, 11])
@pytest.mark.parametrize("estimator", ["truncated", "persistent"])
def test_killed_and_resumed_it_ends_as_if_unbroken(
    estimator: str, moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = recipe(f"estimator={estimator}")
    whole, _ = train_rule(asked, tmp_path / "whole", progress=False)
    advance = RuleTraining.advance

    def dying(self: RuleTraining) -> torch.Tensor:
        if self.episode == moment:
            raise Stopped
        return advance(self)

    with monkeypatch.context() as patch:
        patch.setattr(RuleTraining, "advance", dying)
        with pytest.raises(Stopped):
            train_rule(asked, tmp_path / "broken", progress=False)
    with pytest.raises(RunError, match="has not ended"):
        evaluate_rule(Run.open(tmp_path / "broken"))
    broken, done = train_rule(asked, tmp_path / "broken", resume=True, progress=False)
    assert (done.step, done.stopped) == (12, "finished")
    for name, value in load_rule(whole.folder / RULE).state_dict().items():
        assert torch.equal(value, load_rule(broken.folder / RULE).state_dict()[name])
    assert (whole.folder / "metrics.jsonl").read_bytes() == (broken.folder / "metrics.jsonl").read_bytes()


def test_an_ended_training_stays_as_it_is(tmp_path: Path) -> None:
    run, first = train_rule(recipe(), tmp_path / "run", progress=False)
    before = (run.folder / RULE).read_bytes()
    _, again = train_rule(recipe(), tmp_path / "run", resume=True, progress=False)
    assert (again.step, again.best, again.best_step) == (first.step, first.best, first.best_step)
    assert (run.folder / RULE).read_bytes() == before
    with pytest.raises(RunError, match="another recipe"):
        train_rule(recipe("lr=1"), tmp_path / "run", resume=True, progress=False)


def test_the_others_take_the_best_rate_of_the_grid_and_all_solve_the_same_problems() -> None:
    torch.manual_seed(0)
    rule, family = CoordinateLSTM(0.01, hidden=4, layers=1), quadratics(3, 5)
    found = race(rule, rule, family, problems=12, steps=8, others=("sgd",))
    assert {len(values) for values in found.losses.values()} == {15}, "whole batches, at least as many as asked"
    draw = torch.Generator().manual_seed(TEST)
    problems = [family(draw) for _ in range(3)]
    by_hand = {rate: torch.cat([reached(sgd(rate), one, 8) for one in problems]).double().numpy() for rate in GRID}
    np.testing.assert_array_equal(found.losses["sgd"], by_hand[found.rates["sgd"]])
    means = {rate: values.mean() for rate, values in by_hand.items()}
    assert means[found.rates["sgd"]] < 2 * min(means.values()), "what is best elsewhere is good here"
    figures = found.figures()[LEARNED]
    assert figures["mean"] == pytest.approx(torch.cat([reached(rule, one, 8) for one in problems]).mean().item())


def test_who_wins_is_said_first_and_who_diverges_is_not_hidden() -> None:
    losses = {
        LEARNED: np.array([1.0, 2.0, 3.0]),
        "sgd": np.array([0.0, 1.0, 1.0]),
        "adam": np.array([1.0, np.inf, 4.0]),
        "momentum": np.array([2.0, 2.0, 4.0]),
    }
    found = Race(losses, {"sgd": 0.1, "adam": 1.0, "momentum": 0.1}, 9.0)
    assert found.lost_to == ["sgd"]
    assert found.table().splitlines()[0] == "THE LEARNED OPTIMIZER LOSES to sgd tuned on a grid"
    assert any("adam" in line and "diverged" in line for line in found.markdown())
    more = found.figures()["momentum"]
    assert more["more"] == pytest.approx(2 / 3)
    assert more["more_interval"] == pytest.approx(1.96 * np.std([1, 0, 1], ddof=1) / 3**0.5)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["optimizers"]["adam"]["mean"] is None


def test_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cli = CliRunner()
    trained = cli.invoke(app, ["train", "quadratics-lstm", "--out", "rule", *SMALL], catch_exceptions=False)
    assert trained.exit_code == 0
    judged = cli.invoke(app, ["evaluate", "rule", "--tasks", "4", "--json"], catch_exceptions=False)
    assert json.loads(judged.stdout)["protocol"]["problems"] == 4
    with pytest.raises(FewsightError, match="holds a learned optimizer"):
        cli.invoke(app, ["predict", "rule", "--support", "a", "--query", "b"], catch_exceptions=False)
    with pytest.raises(RecipeError, match="did you mean 'steps'"):
        cli.invoke(app, ["train", "quadratics-lstm", "stepz=3", "--out", "other"], catch_exceptions=False)
