"""Measures of truth: they accept what is true by construction and reject what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from torch import nn

from fewsight.explain import fidelity
from fewsight.explain.curves import deletion_insertion
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.fidelity import agreement, datamodelling_score, infidelity, of_query, of_support
from fewsight.explain.game import coalitions
from fewsight.explain.influence import influence
from fewsight.explain.path import path
from fewsight.explain.query import integrated_gradients, occlusion, saliency
from fewsight.explain.readout import attention
from fewsight.explain.subsets import shapley
from fewsight.learners import ProtoNet


def named(measures: tuple[Measure, ...], part: str) -> Measure:
    (found,) = [measure for measure in measures if part in measure.name]
    return found


WORTH = np.array([3.0, -1.0, 0.5, 2.0, -2.0])


def additive(masks: np.ndarray) -> np.ndarray:
    return masks @ WORTH + 7


def test_curves_of_the_true_order_beat_random_and_those_of_the_reverse_lose() -> None:
    for sign, passed in ((1, True), (-1, False)):
        curves = deletion_insertion(sign * WORTH, additive, np.random.default_rng(0), "parts", held=True)
        for measure in curves:
            assert measure.passed is passed
            assert np.sign(measure.value) == sign
            assert measure.interval is not None
            assert measure.interval[0] <= measure.value <= measure.interval[1]


def test_curves_go_between_everything_and_nothing() -> None:
    deletion, insertion = deletion_insertion(WORTH, additive, np.random.default_rng(0), "parts", held=True)
    # Values in the order 3, 2, .5, -1, -2 from 7 (nothing) to 9.5 (everything), by hand.
    assert insertion.curve["explanation"] == [7, 10, 12, 12.5, 11.5, 9.5]
    assert deletion.curve["explanation"] == [9.5, 6.5, 4.5, 4, 5, 7]
    for measure in (deletion, insertion):
        assert measure.curve["share"] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
        for end in (0, -1):
            assert measure.curve["random"][end] == pytest.approx(measure.curve["explanation"][end])


def test_random_orders_cannot_be_told_from_random_orders() -> None:
    """A meaningless order passes about as often as chance lets it."""
    passed = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        worth = generator.normal(size=12)
        values = generator.normal(size=12)
        measures = deletion_insertion(values, lambda masks, w=worth: masks @ w, generator, "parts", held=True)
        passed += sum(bool(measure.passed) for measure in measures)
    assert passed / 400 < 0.5


def test_curves_say_when_they_are_not_defined() -> None:
    few = deletion_insertion(WORTH[:3], lambda m: m @ WORTH[:3], np.random.default_rng(0), "parts", held=True)
    flat = deletion_insertion(WORTH, lambda m: np.full(len(m), 2.0), np.random.default_rng(0), "parts", held=True)
    for measure in (*few, *flat):
        assert np.isnan(measure.value)
        assert measure.passed is None


def test_the_datamodelling_score_of_an_additive_game_is_1() -> None:
    game = additive(coalitions(5))
    assert datamodelling_score(WORTH, game, held=True).value == pytest.approx(1)
    assert datamodelling_score(-WORTH, game, held=True).passed is False
    noise = np.random.default_rng(0).normal(size=32)
    score = datamodelling_score(WORTH, noise, held=True)
    assert score.passed is False
    assert datamodelling_score(WORTH, noise, held=False).passed is None


def test_pairs_predict_a_game_of_pairs_that_no_sum_of_singles_can() -> None:
    inside = coalitions(5).astype(float)
    pairs = np.zeros((5, 5))
    pairs[0, 1] = pairs[1, 0] = 2.0
    pairs[2, 3] = pairs[3, 2] = -2.0
    game = np.einsum("mi,ij,mj->m", inside, pairs, inside)
    assert datamodelling_score(pairs, game, held=True).value == pytest.approx(1)
    assert datamodelling_score(pairs.sum(1), game, held=True).value < 0.95


def test_infidelity_by_its_definition() -> None:
    """Additive games are told exactly, nothing at all is 1, and half of the truth is a quarter."""
    inside = coalitions(5)
    for share, expected in ((1.0, 0.0), (0.0, 1.0), (0.5, 0.25), (3.0, 4.0)):
        found = infidelity(inside @ (share * WORTH), additive(inside))
        assert found.value == pytest.approx(expected, abs=1e-12)
        assert found.interval is None
        assert found.passed is None
    pairs = 3.0 * inside[:, 0] * inside[:, 1]
    found = infidelity(inside @ np.array([1.5, 1.5, 0, 0, 0]), pairs)
    said = 3.0 - inside[:, :2] @ [1.5, 1.5]
    assert found.value == pytest.approx(np.square(said - 3.0 + pairs).sum() / np.square(3.0 - pairs).sum(), abs=1e-12)
    assert np.isnan(infidelity(inside @ WORTH, np.full(32, 2.0)).value)


def test_the_interval_of_sampled_infidelity_covers_the_truth() -> None:
    inside, generator, hits = coalitions(8), np.random.default_rng(0), 0
    game = inside @ generator.normal(size=8) + 2 * inside[:, 0] * inside[:, 1]
    predicted = inside @ generator.normal(size=8)
    said, lost = predicted[-1] - predicted, game[-1] - game
    truth = np.square(said - lost).mean() / np.square(lost).mean()
    for _ in range(200):
        drawn = np.append(generator.integers(0, 256, 128), 255)
        found = infidelity(predicted[drawn], game[drawn], sampled=True)
        assert found.interval is not None
        hits += found.interval[0] <= truth <= found.interval[1]
    assert 0.88 <= hits / 200 <= 0.99


def test_infidelity_of_a_linear_answer_is_0_for_whatever_says_so() -> None:
    """Prototypes on raw inputs: a contrast is linear in the query, and slopes times inputs are its parts."""
    case = tiny.case(ProtoNet(nn.Flatten()), tiny.support(), target=("contrast", "a", "b"))
    for explain in (integrated_gradients, occlusion, saliency):
        true = explain(case)
        assert named(of_query(case, true), "infidelity").value < 1e-20
        assert named(of_query(case, replace(true, values=-true.values)), "infidelity").value == pytest.approx(4)


def test_agreement_says_what_it_left_out() -> None:
    exact = np.array([1.0, 2, 3, 4, np.nan])
    found = agreement("exact values", np.array([1.0, 2, 3, 5, 0]), exact, held=True)
    assert found.value == pytest.approx(1)
    assert found.passed is True
    assert "1 left out" in found.meaning
    missing = agreement("exact values", np.arange(5.0), np.array([1.0, 2, np.nan, np.nan, np.nan]), held=True)
    assert missing.passed is None
    assert "not defined" in missing.meaning


def test_true_explanations_of_a_smooth_learner_pass() -> None:
    case = tiny.case(tiny.learner(), tiny.support(3, 3), tiny.query(1))
    for explain in (shapley, path, influence):
        found = replace(explain(case), fidelity=of_support(case, explain(case)))
        assert found.trusted, str(found)
        assert named(found.fidelity, "leave-one-out (drop)").value > 0.7
        assert named(found.fidelity, "leave-one-out (renormalise)").value > 0.5


def test_a_shuffled_explanation_fails() -> None:
    case = tiny.case(tiny.learner(), tiny.support(3, 3), tiny.query(1))
    true = path(case)
    false = replace(true, values=np.roll(true.values, 4))
    failed = {measure.name for measure in of_support(case, false) if measure.passed is False}
    assert "rank correlation with exact Shapley values" in failed
    assert "linear datamodelling score over all subsets" in failed
    assert "deletion of support examples against random order" in failed


def test_trap_5_every_explanation_prints_its_fidelity_and_it_is_low_where_adaptation_is_chaotic() -> None:
    """At an inner learning rate of 20 the derivative says nothing of removal, and the explanation says that."""
    correlations = {}
    for rate in (0.3, 20.0):
        found = []
        for seed in range(5):
            learner = tiny.learner(seed=seed, steps=5, rate=rate)
            case = tiny.case(learner, tiny.support(3, 3, seed=seed), tiny.query(seed))
            explained = influence(case)
            explained = replace(explained, fidelity=of_support(case, explained))
            measure = named(explained.fidelity, "leave-one-out (drop)")
            assert f"{measure.name}: {measure.value:.3g}" in str(explained)
            assert (measure.passed is False) is (not explained.trusted)
            found.append(measure.value)
        correlations[rate] = np.mean(found)
    assert correlations[0.3] > 0.9
    assert correlations[20.0] < 0.5


def test_closed_forms_are_measured_and_where_they_do_not_hold_said() -> None:
    case = tiny.case(tiny.learner("matching"), tiny.support(), target="probability")
    measure = named(of_support(case, attention(case)), "closed-form")
    assert measure.passed is True
    assert measure.value < 1e-12
    wrong = fidelity.closed_form(np.array([0.1, 0.2]), np.array([0.1, 0.3]))
    assert wrong.passed is None
    assert "leave_one_out is the one to read" in wrong.meaning


@pytest.mark.parametrize("explain", [integrated_gradients, occlusion, saliency])
def test_parts_of_the_query_are_really_removed(explain: object) -> None:
    """On raw features the true parts pass, and the opposite of them fails."""
    learner = tiny.learner("protonet")
    learner.embedding_model = tiny.Quadratic()
    case = tiny.case(learner, tiny.support(3, 2), 0.3 * tiny.query(), target=("contrast", "a", "b"))
    true: Explanation = explain(case)  # type: ignore[operator]
    false = replace(true, values=-true.values)
    (*good, close), (*bad, far) = of_query(case, true), of_query(case, false)
    assert close.value < 1 < far.value
    claims = true.residual is not None
    assert all(measure.passed is (True if claims else None) for measure in good)
    assert all(measure.passed is (False if claims else None) for measure in bad)
    assert true.kind == "saliency" or all(g.value > 0 > b.value for g, b in zip(good, bad, strict=True))


def test_parts_that_equal_the_baseline_do_not_help_to_beat_random() -> None:
    query = tiny.query()
    query[0, 1] = 0
    case = tiny.case(tiny.learner("protonet"), tiny.support(), query)
    measures = of_query(case, integrated_gradients(case))
    # Three parts are left: too few for curves to say anything.
    assert all(np.isnan(measure.value) for measure in measures[:2])
    assert torch.equal(case.query, query)
