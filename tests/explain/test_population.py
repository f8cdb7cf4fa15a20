"""Values of support examples over many queries: identities on several learners, and planted truths."""

from __future__ import annotations

import json
from dataclasses import replace

import crowds
import numpy as np
import pytest
import tiny
import torch
from scipy.stats import binomtest

from fewsight.errors import ExplanationError
from fewsight.explain import coalitions, game
from fewsight.explain.confusion import confusion
from fewsight.explain.crowd import Crowd, crowd
from fewsight.explain.effects import effects
from fewsight.explain.explanation import Explanation
from fewsight.explain.fairness import fairness, performance
from fewsight.explain.flips import flips
from fewsight.explain.population import of_crowd, population
from fewsight.explain.proportions import difference, wilson
from fewsight.explain.suspects import suspects
from fewsight.explain.valuation import OWN_ANSWERS, valuation
from fewsight.learner import example_losses
from fewsight.task import Support


@pytest.fixture(params=crowds.LEARNERS)
def case(request: pytest.FixtureRequest) -> Crowd:
    return crowds.classes(request.param)


def gained(case: Crowd) -> np.ndarray:
    """Loss of the un-adapted minus loss of the adapted model for each query, asked from the learner directly."""
    with torch.no_grad():
        models = case.learner.trace(case.support).models()
        before, after = (example_losses(model(case.query), case.truth) for model in (models[0], models[-1]))
    return (before - after).numpy()


def test_values_sum_to_what_adaptation_gained(case: Crowd) -> None:
    found = valuation(case)
    assert found.values.sum() == pytest.approx(gained(case).mean(), abs=1e-9)
    assert found.residual is not None
    assert found.residual < 1e-9


def test_effects_add_up_for_every_query_and_average_to_the_values(case: Crowd) -> None:
    swarm = effects(case)
    np.testing.assert_allclose(swarm.values.sum(1), gained(case), atol=1e-9)
    np.testing.assert_allclose(swarm.values.mean(0), valuation(case).values, atol=1e-10)
    assert swarm.complete


def test_effects_of_a_query_are_its_own_shapley_values() -> None:
    case = crowds.classes("maml")
    one = crowd(case.learner, case.support, case.query[2:3], case.truth[2:3])
    np.testing.assert_allclose(effects(case).values[2], valuation(one).values, atol=1e-10)


def test_sampled_orders_add_up_and_agree_with_exact_values(case: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    exact, values = effects(case), valuation(case).values
    monkeypatch.setattr(game, "EXACT", 0)
    swarm, found = effects(case), valuation(case)
    assert "random orders" in swarm.method
    np.testing.assert_allclose(swarm.values.sum(1), gained(case), atol=1e-9)
    np.testing.assert_allclose(swarm.values.mean(0), found.values, atol=1e-10)
    assert found.interval is not None
    assert np.abs(found.values - values).max() < 0.15 * np.abs(values).max()
    assert np.abs(swarm.values - exact.values).max() < 0.3 * np.abs(exact.values).max()


@pytest.mark.parametrize("name", ["maml", "protonet", "ridge"])
def test_duplicates_have_equal_values(name: str) -> None:
    given = tiny.support()
    twice = replace(given, x=given.x[[0, 1, 2, 2, 4, 5]])
    found = crowd(tiny.learner(name), twice, crowds.queries(), crowds.classes().truth)
    np.testing.assert_allclose(*valuation(found).values[[2, 3]], atol=1e-10)
    np.testing.assert_allclose(*effects(found).values[:, [2, 3]].T, atol=1e-10)


def test_an_absent_example_is_worth_nothing() -> None:
    weight = torch.tensor([1, 1, 0, 1, 1, 1], dtype=torch.float64)
    given = replace(tiny.support(), weight=weight, reference=weight)
    assert valuation(crowd(tiny.learner(), given, crowds.queries())).values[2] == 0


def test_regression_is_valued_by_squared_error() -> None:
    case = crowds.values()
    assert valuation(case).values.sum() == pytest.approx(gained(case).mean(), abs=1e-9)
    np.testing.assert_allclose(effects(case).values.sum(1), gained(case), atol=1e-9)
    found = of_crowd(case)
    assert (found.flips, found.confusion) == (None, None)
    assert found.performance is not None
    assert found.performance.accuracy is None
    assert found.performance.loss == pytest.approx(-coalitions.present(case))


def clouds(seed: int, queries: int = 12) -> tuple[Support, torch.Tensor, torch.Tensor]:
    """Three separated classes of four examples, of which one carries a wrong label: number `seed` modulo 12."""
    generator = torch.Generator().manual_seed(seed)
    centers = 4 * torch.eye(3, tiny.FEATURES, dtype=torch.float64)
    x = centers.repeat_interleave(4, 0) + torch.randn(12, tiny.FEATURES, dtype=torch.float64, generator=generator)
    y = torch.arange(3).repeat_interleave(4)
    y[seed % 12] = (y[seed % 12] + 1) % 3
    truth = torch.arange(3).repeat(queries // 3)
    asked = centers[truth] + torch.randn(queries, tiny.FEATURES, dtype=torch.float64, generator=generator)
    return Support.of(x, y, classes=[0, 1, 2]), asked, truth


def test_a_planted_wrong_label_is_valued_least_and_suspected_first() -> None:
    learner = tiny.learner("protonet")
    first = {"value": 0, "own": 0, "both": 0}
    for seed in range(12):
        given, asked, truth = clouds(seed)
        worth = valuation(crowd(learner, given, asked, truth)).values
        own = crowd(learner, given, given.x, given.y)
        both = suspects(own, worth)
        first["value"] += int(worth.argmin()) == seed
        first["own"] += suspects(own).order[0] == seed
        first["both"] += both.order[0] == seed
    # A class of four still outvotes one of them, so a value ranks less sharply than the others' own verdict.
    assert first["value"] >= 6
    assert min(first["own"], first["both"]) >= 10


def test_own_loss_is_that_of_the_model_adapted_to_the_others() -> None:
    given, _, _ = clouds(5)
    learner = tiny.learner("maml")
    own = crowd(learner, given, given.x, given.y)
    found = suspects(own)
    others = [i for i in range(12) if i != 5]
    with torch.no_grad():
        scores = learner(given.take(others), given.x[5:6])
    assert found.own_loss[5] == pytest.approx(example_losses(scores, given.y[5:6]).item(), abs=1e-10)
    assert found.looks_like[5] == str(int(scores.argmax()))


def test_the_only_example_of_a_class_has_no_own_loss_and_stays_in_the_middle() -> None:
    given = tiny.support().take([0, 1, 2, 3, 4])
    found = suspects(crowd(tiny.learner("protonet"), given, given.x, given.y))
    assert np.isnan(found.own_loss).tolist() == [False] * 4 + [True]
    assert found.looks_like[4] == ""
    assert found.order.index(4) in (1, 2, 3)


def test_flips_are_what_the_learner_says_without_the_example() -> None:
    case = crowds.classes("maml", size=30)
    found, before = flips(case), case.answers().argmax(-1)
    for i in range(6):
        others = [j for j in range(6) if j != i]
        with torch.no_grad():
            after = case.learner(case.support.take(others), case.query).argmax(-1).numpy()
        expected = {(f"query {q}", "abc"[before[q]], "abc"[after[q]]) for q in np.flatnonzero(after != before)}
        assert {(f.query, f.before, f.after) for f in found.flips if f.example == f"support {i}"} == expected
        assert found.deciding[i] == len(expected)
    assert found.flips
    assert found.firm == 30 - len({f.query for f in found.flips})


def test_confusion_counts_and_its_reasons_add_up() -> None:
    case = crowds.classes("protonet", size=30)
    found, answer, truth = confusion(case), case.answers().argmax(-1), case.truth.numpy()
    assert found.counts.sum() == 30
    assert found.counts.trace() == (answer == truth).sum()
    assert len(found.pairs) == (found.counts * (1 - np.eye(3)) > 0).sum()
    for pair in found.pairs:
        t, a = "abc".index(pair.truth), "abc".index(pair.answer)
        here = np.flatnonzero((truth == t) & (answer == a))
        assert pair.queries == tuple(f"query {q}" for q in here)
        change = (case.answers() - case.unadapted())[here]
        assert pair.reasons.values.sum() == pytest.approx((change[:, a] - change[:, t]).mean(), abs=1e-9)


def test_examples_that_lie_among_the_other_class_are_the_reason_of_its_confusion() -> None:
    """Class 1 gets an example in the middle of class 0: queries of class 0 there are taken for 1, because of it."""
    centers = torch.tensor([[0.0, 0, 0, 0], [3, 0, 0, 0]], dtype=torch.float64)
    x = torch.cat([centers.repeat_interleave(2, 0), torch.tensor([[0.0, 2, 0, 0]], dtype=torch.float64)])
    given = Support.of(x, ["zero", "zero", "one", "one", "one"])
    asked = torch.tensor([[0.0, 1.9, 0, 0], [0, 2.1, 0, 0]], dtype=torch.float64)
    case = crowd(tiny.learner("matching"), given, asked, ["zero", "zero"])
    (pair,) = confusion(case).pairs
    assert (pair.truth, pair.answer) == ("zero", "one")
    assert pair.reasons.values.argmax() == 4


@pytest.mark.parametrize("hits", range(0, 9, 2))
def test_wilson_is_that_of_scipy(hits: int) -> None:
    expected = binomtest(hits, 8).proportion_ci(method="wilson")
    assert wilson(hits, 8) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_difference_is_that_of_newcombe_1998_table_2() -> None:
    assert difference(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert difference(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert difference(10, 10, 0, 10) == pytest.approx((0.6075, 1.0), abs=5e-5)


GROUPS = ["old" if q % 3 else "young" for q in range(30)]
SIDES = ["old", "young", "old", "young", "young", "old"]


def test_group_influence_sums_to_what_each_group_gained(case: Crowd) -> None:
    groups = GROUPS[: case.size]
    found = fairness(case, effects(case), groups, SIDES)
    young = np.array(groups) == "young"
    assert found.groups == found.support_groups == ("old", "young")
    np.testing.assert_allclose(found.influence.sum(1), [gained(case)[~young].mean(), gained(case)[young].mean()])
    share = young.mean()
    total = share * found.influence[1] + (1 - share) * found.influence[0]
    values = valuation(case).values
    np.testing.assert_allclose(total, [values[[0, 2, 5]].sum(), values[[1, 3, 4]].sum()], atol=1e-10)
    for each, sign in zip(found.performance, (~young, young), strict=True):
        assert each.unadapted_loss - each.loss == pytest.approx(gained(case)[sign].mean(), abs=1e-9)


def test_without_groups_of_examples_each_is_its_own() -> None:
    case = crowds.classes(size=30)
    found = fairness(case, effects(case), GROUPS)
    assert found.support_groups == case.names
    assert found.influence.shape == (2, 6)


def test_groups_are_weighted_queries() -> None:
    """Figures of a group are those of its queries alone, and the whole is the mean of its groups."""
    case = crowds.classes(size=30)
    found = fairness(case, effects(case), GROUPS)
    young = torch.tensor([group == "young" for group in GROUPS])
    alone = performance(crowd(case.learner, case.support, case.query[young], case.truth[young]))
    assert found.performance[1].accuracy == alone.accuracy
    assert found.performance[1].loss == pytest.approx(alone.loss)
    assert sum(found.performance[1].answers.values()) == pytest.approx(1)
    assert performance(case).loss == pytest.approx(sum(p.loss * p.queries for p in found.performance) / 30)


def test_a_planted_gap_is_clear_and_a_random_one_is_not() -> None:
    """The model answers as it does; a group whose labels are its answers is served better than one of random labels."""
    case = crowd(tiny.learner("protonet"), tiny.support(), crowds.queries(60))
    truth = case.truth.clone()
    truth[1::2] = (truth[1::2] + torch.arange(30) % 2) % 3
    case = crowd(case.learner, case.support, case.query, truth)
    planted = fairness(case, effects(case), ["even", "odd"] * 30)
    gap = {(g.group, g.measure): g for g in planted.gaps}
    assert gap["even", "accuracy"].value == pytest.approx(0.5)
    assert gap["even", "accuracy"].clear
    assert gap["even", "loss"].value < 0
    assert gap["odd", "accuracy"].value == -gap["even", "accuracy"].value
    chance = fairness(case, effects(case), ["first"] * 30 + ["second"] * 30)
    assert not next(g for g in chance.gaps if g.measure == "accuracy").clear


def test_the_bootstrap_interval_covers_as_it_says() -> None:
    """A gap of two groups of the same queries has 0 inside, and its width is that of the normal interval, about."""
    case = crowds.classes(size=60)
    loss = next(g for g in fairness(case, effects(case), ["a", "b"] * 30).gaps if g.measure == "loss")
    lost = -coalitions.at(case.each(), case.support.weight[None])[0]
    normal = 2 * 1.96 * np.sqrt(lost[::2].var(ddof=1) / 30 + lost[1::2].var(ddof=1) / 30)
    assert np.ptp(loss.interval) == pytest.approx(normal, rel=0.15)
    assert loss.value == pytest.approx(lost[::2].mean() - lost[1::2].mean())


def test_everything_together_reads_well_and_is_strict_json() -> None:
    given = tiny.support().take([0, 1, 2, 3, 4])  # the last class has one example, so some numbers are not defined
    truth = crowds.classes(size=30).truth
    found = population(tiny.learner("maml"), given, crowds.queries(30), truth, groups=GROUPS, support_groups=SIDES[:5])
    text, record = str(found), json.loads(json.dumps(found.to_json(), allow_nan=False))
    for words in (
        "valuation",
        "labels to check",
        "answers stay",
        "true class",
        "by group",
        "the only one of its class",
    ):
        assert words in text
    assert record["schema"] == "fewsight.population/1"
    assert np.shape(record["effects"]["values"]) == (30, 5)
    assert record["suspects"]["own_loss"][4] is None
    assert record["valuation"]["schema"] == "fewsight.explanation/1"
    assert record["confusion"]["pairs"][0]["reasons"]["trusted"] is True


def test_unlabelled_queries_have_values_but_no_performance() -> None:
    found = population(tiny.learner("maml"), tiny.support(), crowds.queries())
    assert (found.performance, found.confusion, found.fairness, found.suspects.value) == (None, None, None, None)
    assert OWN_ANSWERS in found.valuation.notes
    assert "nan" not in str(found)


def test_intervals_hold_over_queries() -> None:
    found = of_crowd(crowds.classes(size=30))
    assert found.valuation.interval is not None
    low, high = found.valuation.interval.T
    assert ((low < found.valuation.values) & (found.valuation.values < high)).all()
    deviation = found.effects.values.std(0, ddof=1) / np.sqrt(30)
    np.testing.assert_allclose((high - low) / 2, 2.0452 * deviation, rtol=1e-4)  # Student's t, 29 degrees of freedom


def test_intervals_count_the_uncertainty_of_sampled_orders_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(game, "EXACT", 0)
    case = crowds.classes("maml", size=30)
    alone, found = valuation(case).interval, of_crowd(case).valuation
    spread = 2.0452 * effects(case).values.std(0, ddof=1) / np.sqrt(30)
    assert alone is not None
    assert found.interval is not None
    np.testing.assert_allclose(
        np.ptp(found.interval, axis=1) / 2, np.hypot(spread, np.ptp(alone, axis=1) / 2), rtol=1e-4
    )
    assert not any("pairs of orders" in note for note in found.notes)


def test_a_single_query_has_no_interval() -> None:
    found = of_crowd(crowds.classes(size=1))
    assert np.isnan(found.valuation.interval).all()
    assert found.performance is not None
    assert found.performance.loss_interval is None


def test_an_incomplete_swarm_says_so_first() -> None:
    broken = replace(effects(crowds.classes()), residual=0.5)
    assert str(broken).startswith("NOT TO BE TRUSTED")
    assert broken.to_json()["complete"] is False


def test_what_is_not_defined_is_refused() -> None:
    regression, unlabelled = crowds.values(), crowd(tiny.learner(), tiny.support(), crowds.queries())
    labelled = crowds.classes()
    with pytest.raises(ExplanationError, match="regression task"):
        flips(regression)
    for wrong in (regression, unlabelled):
        with pytest.raises(ExplanationError, match="confusion table needs"):
            confusion(wrong)
    with pytest.raises(ExplanationError, match="need labels"):
        fairness(unlabelled, effects(unlabelled), GROUPS[:7])
    with pytest.raises(ExplanationError, match="3 groups for 7 queries"):
        fairness(labelled, effects(labelled), GROUPS[:3])
    with pytest.raises(ExplanationError, match="2 groups for 6 support"):
        fairness(labelled, effects(labelled), GROUPS[:7], ["a", "b"])
    with pytest.raises(ExplanationError, match="one group"):
        fairness(labelled, effects(labelled), ["a"] * 7)


def test_values_are_held_to_every_subset() -> None:
    """The mean over queries is a case like any other, so its fidelity can be measured."""
    from fewsight.explain.fidelity import of_support

    case = crowds.classes("protonet", size=20)
    found: Explanation = valuation(case)
    measures = {measure.name: measure for measure in of_support(case, found)}
    exact = [measure for name, measure in measures.items() if "leave-one-out" in name]
    assert exact
    assert all(np.isfinite(measure.value) for measure in exact)
    assert "linear datamodelling score over all subsets" in measures
