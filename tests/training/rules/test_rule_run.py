"""A learned optimizer from a recipe: its run is resumed to the last bit, and its race against others is fair."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fewsight import recipes
from fewsight.errors import RunError
from fewsight.inner import CoordinateLSTM, sgd
from fewsight.inner.families import quadratics
from fewsight.inner.problems import reached
from fewsight.training import Run, evaluate_rule, train_rule
from fewsight.training.rules.race import GRID, LEARNED, TEST, Race, race
from fewsight.training.rules.run import RULE
from fewsight.training.rules.training import RuleTraining, load_rule

Invoke = Callable[..., tuple[int, str, str]]
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


@pytest.fixture(scope="module")
def rule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run, _ = train_rule(recipe(), tmp_path_factory.mktemp("runs") / "rule", progress=False)
    return run.folder


def test_from_the_command_line(fewsight: Invoke, rule: Path, tmp_path: Path) -> None:
    code, _, _ = fewsight("train", "quadratics-lstm", "--out", tmp_path / "rule", *SMALL)
    assert code == 0
    assert (tmp_path / "rule" / RULE).read_bytes() == (rule / RULE).read_bytes()
    code, out, _ = fewsight("evaluate", rule, "unseen.size=2", "steps=3", "--tasks", 4, "--json")
    protocol = json.loads(out)["protocol"]
    assert (code, protocol["problems"], protocol["steps"]) == (0, 4, 3)
    assert "size=2" in protocol["problem"]
    code, _, err = fewsight("train", "quadratics-lstm", "stepz=3", "--out", tmp_path / "other")
    assert (code, "did you mean 'steps'" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--ways", 3, "--shots", 1, "--queries", 2], "leave out --ways, --shots, --queries"),
        (["evaluate", "--split", "val"], "leave out --split; settings change the problems"),
        (["evaluate", "--domain", "digits"], "leave out --domain"),
        (["evaluate", "lr=1"], "'lr' changes nothing in a trained run"),
        (["evaluate", "problems.size=4"], "only settings of unseen and training.steps do"),
        (["evaluate", "unseen.sise=4"], "did you mean 'unseen.size'"),
        (["predict", "--support", "s", "--query", "q"], "holds a learned optimizer"),
        (["explain", "--support", "s", "--query", "q", "--out", "page.html"], "holds a learned optimizer"),
        (["audit", "--support", "s", "--query", "q", "--out", "audit.json"], "holds a learned optimizer"),
        (["serve", "--port", 0], "holds a learned optimizer"),
    ],
)
def test_what_asks_for_tasks_is_one_line_and_writes_nothing(
    arguments: list[object],
    message: str,
    fewsight: Invoke,
    rule: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(rule.rglob("*"))
    command, *rest = arguments
    code, out, err = fewsight(command, rule, *rest)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")
    assert message in err
    assert sorted(rule.rglob("*")) == before
    assert not list(tmp_path.iterdir())
