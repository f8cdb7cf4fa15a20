"""Many queries share each adaptation and change nothing about it."""

from __future__ import annotations

import crowds
import numpy as np
import pytest
import tiny
import torch
from ticks import Ticks
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.explain import coalitions, game
from fewsight.explain.crowd import crowd, losses
from fewsight.explain.influence import influence
from fewsight.explain.path import path
from fewsight.explain.statistics import rank_correlation
from fewsight.explain.subsets import shapley
from fewsight.learner import Learner, example_losses
from fewsight.task import Support
from fewsight.tree import Tree


@pytest.mark.parametrize("name", crowds.LEARNERS)
def test_each_query_is_explained_as_if_it_were_alone(name: str) -> None:
    """F of a query in the crowd, on every subset, is F of that query by itself."""
    case = crowds.classes(name).each()
    masks = game.coalitions(6)[::5]
    together = coalitions.values(case, masks)
    for q in (0, 3):
        target = ("loss", "abc"[int(case.truth[q])])
        alone = tiny.case(case.learner, case.support, case.query[q : q + 1], target)
        np.testing.assert_allclose(together[:, q], -coalitions.values(alone, masks), atol=1e-10)


def test_the_mean_is_the_mean() -> None:
    case, masks = crowds.classes(), game.coalitions(6)
    np.testing.assert_allclose(
        coalitions.values(case, masks), coalitions.values(case.each(), masks).mean(1), atol=1e-12
    )


@pytest.mark.parametrize("name", ["maml", "ridge"])
def test_the_derivative_of_the_mean_is_the_mean_of_the_derivatives(name: str) -> None:
    case = crowds.classes(name)
    weight = case.support.weight.clone().requires_grad_()
    slopes = [torch.autograd.grad(f, weight, retain_graph=True)[0] for f in case.each().value(weight, drop=True)]
    np.testing.assert_allclose(influence(case).values, torch.stack(slopes).mean(0).numpy(), atol=1e-10)


@pytest.mark.parametrize("name", crowds.LEARNERS)
def test_the_path_adds_up_and_ranks_like_exact_values(name: str) -> None:
    case = crowds.classes(name, size=20)
    found = path(case)
    assert found.complete
    assert found.values.sum() == pytest.approx(shapley(case).values.sum(), rel=1e-3)
    assert rank_correlation(found.values, shapley(case).values) > 0.7


def test_losses_are_those_of_the_learner() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(4, 5, 3, dtype=torch.float64, generator=generator)
    classes = torch.randint(0, 3, (5,), generator=generator)
    for row, found in zip(scores, losses(scores, classes), strict=True):
        torch.testing.assert_close(found, example_losses(row, classes))
        torch.testing.assert_close(losses(row, scores[0]), example_losses(row, scores[0]))


def test_one_adaptation_serves_all_queries_and_all_questions() -> None:
    class Counting(Learner):
        adaptations = 0

        def solve(self, support: Support) -> Tree:
            self.adaptations += 1
            if float(support.weight.sum()) < 0:  # cannot be vectorised
                raise AssertionError("weights are never negative")
            return support.class_share.mT @ support.x

        def score(self, state: Tree, query: Tree) -> Tensor:
            return -(query[:, None] - state).square().sum(-1)

    learner = Counting()
    case = crowd(learner, tiny.support(), crowds.queries(50))
    coalitions.values(case, game.coalitions(6))
    before = learner.adaptations
    assert before <= 2**6 + 4  # the first adaptation is timed, and vectorising it is tried
    coalitions.values(case.each(), game.coalitions(6))
    case.answers(), case.unadapted()
    assert learner.adaptations == before


def test_queries_of_a_transductive_learner_are_asked_one_by_one() -> None:
    class Centred(Learner):
        transductive = True

        def solve(self, support: Support) -> Tree:
            return support.class_share.mT @ support.x

        def score(self, state: Tree, query: Tree) -> Tensor:
            query = query - 0.5 * query.mean(0)
            return -(query[:, None] - state).square().sum(-1)

    asked = crowds.queries(4)
    together = crowd(Centred(), tiny.support(), asked).answers()
    alone = [crowd(Centred(), tiny.support(), asked[q : q + 1]).answers()[0] for q in range(4)]
    np.testing.assert_allclose(together, np.stack(alone), atol=1e-12)


def test_without_labels_the_model_is_held_to_its_own_answers() -> None:
    case = crowd(tiny.learner("maml"), tiny.support(), crowds.queries())
    np.testing.assert_array_equal(case.truth, case.answers().argmax(-1))
    assert not case.labelled
    assert "own answers" in case.target.description


def test_labels_may_be_names_or_indices() -> None:
    learner, given, asked = tiny.learner("protonet"), tiny.support(), crowds.queries(3)
    by_name = crowd(learner, given, asked, ["c", "a", "b"])
    by_index = crowd(learner, given, asked, torch.tensor([2, 0, 1]))
    assert coalitions.present(by_name) == coalitions.present(by_index)


def test_repeatable_cases_decide_nothing_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow an adaptation proves when vectorised, the numbers and the account are the same."""
    monkeypatch.setattr(coalitions, "WIDEST", 8)
    steady = crowds.classes("maml", repeatable=True)
    coalitions.values(steady, game.coalitions(6))
    Ticks(monkeypatch, alone=1.0, together=100.0)
    slow, rushed = crowds.classes("maml", repeatable=True), crowds.classes("maml")
    for case in (slow, rushed):
        coalitions.values(case, game.coalitions(6))
    assert "measured to be faster" in rushed.costs["scores"].manner
    assert slow.costs["scores"].manner == steady.costs["scores"].manner
    for key, scores in steady.known.items():
        np.testing.assert_array_equal(scores, slow.known[key])


def test_what_cannot_be_asked_is_said() -> None:
    learner, given, asked = tiny.learner("protonet"), tiny.support(), crowds.queries(3)
    for message, arguments in {
        "no class 'd'": (asked, ["a", "b", "d"]),
        "3 queries but 2 answers": (asked, ["a", "b"]),
        "whole numbers from 0 to 2": (asked, torch.tensor([0, 1, 3])),
        "no queries": (asked[:0], []),
        "not of the support's kind": ({"x": asked}, None),
        "not finite": (asked * torch.nan, None),
    }.items():
        with pytest.raises(ExplanationError, match=message):
            crowd(learner, given, *arguments)
    with pytest.raises(ExplanationError, match="2 names for 6"):
        crowd(learner, given, asked, names=["x", "y"])
    with pytest.raises(ExplanationError, match="only one class"):
        crowd(learner, given.take([0, 1]), asked)
