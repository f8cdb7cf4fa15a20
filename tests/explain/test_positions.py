"""Inputs of positions (tokens, atoms, columns): each position is a player, hiding is exact, padding plays no part."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor, nn

from fewsight import tree
from fewsight.explain import explain
from fewsight.explain.case import Case
from fewsight.explain.fidelity import of_query
from fewsight.explain.inputs import Inputs, positional
from fewsight.explain.parts import Parts
from fewsight.explain.query import integrated_gradients, occlusion
from fewsight.explain.query_counterfactual import query_counterfactual
from fewsight.explain.query_shapley import query_shapley
from fewsight.explain.support_inputs import support_integrated_gradients
from fewsight.explain.target import parse
from fewsight.learners import create
from fewsight.task import Support
from fewsight.tree import Tree

LENGTH = 16


class Bag(nn.Module):
    """Sum of what positions say, over the number of real ones; curved by `bend`."""

    out_features = 4

    def __init__(self, bend: bool = True) -> None:
        super().__init__()
        self.words = nn.Embedding(30, 4)
        self.bend = bend

    def forward(self, x: Tree) -> Tensor:
        mean = (self.words(x["ids"]) * x["mask"][..., None]).sum(1) / x["size"][:, None]
        return torch.tanh(3 * mean) if self.bend else mean


def inputs(*sizes: int, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    size = torch.tensor(sizes)
    mask = (torch.arange(LENGTH) < size[:, None]).double()
    return {"ids": torch.randint(0, 30, (len(sizes), LENGTH), generator=generator), "mask": mask, "size": size}


def case(size: int, name: str = "protonet", bend: bool = True, target: Any = ("contrast", "a", "b")) -> Case:
    torch.manual_seed(3)
    learner = create(name, Bag(bend)).double().eval()
    support = Support.of(inputs(5, 3, 9, 16, seed=1), ["a", "a", "b", "b"])
    query = inputs(size, seed=2)
    with torch.no_grad():
        aim = parse(target, support, learner(support, query)[0])
    return Case(learner, support, query, aim, tuple("wxyz"), parts=tuple(f"word {i}" for i in range(size)))


def answer(asked: Case, shown: np.ndarray) -> float:
    """F with only these positions shown, computed from the definition."""
    mask = asked.query["mask"].clone()
    mask[0, : len(shown)] = torch.from_numpy(shown).double()
    with torch.no_grad():
        return float(asked.query_values(asked.query | {"mask": mask})[0])


@pytest.mark.parametrize("name", ["protonet", "maml", "ridge"])
def test_shapley_values_are_the_mean_over_all_orders(name: str) -> None:
    asked = case(4, name)
    found = query_shapley(asked)
    expected = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        shown = np.zeros(4, dtype=bool)
        for i in order:
            before = answer(asked, shown)
            shown[i] = True
            expected[i] += (answer(asked, shown) - before) / len(orders)
    np.testing.assert_allclose(found.values, expected, atol=1e-10)
    assert found.values.sum() == pytest.approx(found.value - float(found.baseline or 0), abs=1e-10)
    assert found.players == ("word 0", "word 1", "word 2", "word 3")


def test_many_positions_are_estimated_within_their_intervals_and_still_add_up() -> None:
    """Where nothing interacts, every order gives the same gains, so the estimate is exact whatever was drawn."""
    found = query_shapley(case(14))
    assert found.interval is not None
    assert found.residual == pytest.approx(0, abs=1e-10)
    assert ((found.interval[:, 0] <= found.values) & (found.values <= found.interval[:, 1])).all()
    assert query_shapley(case(12)).interval is None
    plain = case(14, "ridge", bend=False)
    np.testing.assert_allclose(query_shapley(plain).values, occlusion(plain).values, atol=1e-9)


def test_path_of_weights_from_hidden_to_there_adds_up_and_is_shapley_where_nothing_interacts() -> None:
    """A ridge head is affine in a feature that is linear in the weights: all three attributions are the same."""
    asked = case(7, "ridge", bend=False)
    path, fair, covered = integrated_gradients(asked), query_shapley(asked), occlusion(asked)
    np.testing.assert_allclose(path.values, fair.values, atol=1e-9)
    np.testing.assert_allclose(covered.values, fair.values, atol=1e-9)
    curved = integrated_gradients(case(7))
    assert curved.residual is not None
    assert curved.residual < 1e-4


def test_padding_is_no_player_and_has_no_part_in_anything() -> None:
    asked = case(5)
    other = asked.query | {"ids": torch.where(asked.query["mask"] > 0, asked.query["ids"], 7)}
    for kind in (integrated_gradients, occlusion, query_shapley, query_counterfactual):
        found = kind(asked)
        assert found.values.shape == (5,)
        assert found.players == asked.parts
        again = kind(Case(asked.learner, asked.support, other, asked.target, asked.names, parts=asked.parts))
        np.testing.assert_allclose(found.values, again.values, atol=1e-12)


def test_hidden_and_weighted_positions_are_what_the_learner_sees() -> None:
    asked = case(5)
    assert positional(asked.query)
    assert not positional({"ids": asked.query["ids"], "mask": asked.query["mask"]})
    numbers = Inputs.of(asked.query, asked.parts)
    halves = numbers.queries(torch.full((2, 5), 0.5))
    assert halves["mask"].tolist() == [[0.5] * 5 + [0.0] * (LENGTH - 5)] * 2
    assert halves["mask"].dtype == torch.float64
    assert tree.length(halves) == 2
    parts = Parts.of(asked.query, names=asked.parts)
    hidden = parts.hidden(np.array([[True, False, False, False, True]]))
    assert hidden["mask"][0, :6].tolist() == [0, 1, 1, 1, 0, 0]
    assert parts.real.tolist() == [True] * 5


def test_tokens_come_from_anywhere_and_columns_only_from_their_own_place() -> None:
    asked = case(5)
    parts = Parts.of(asked.query, names=asked.parts)
    donor = Parts.of(tree.take(asked.support.x, slice(3, 4)))
    swapped = parts.swapped(donor, np.array([[-1, 9, -1, -1, -1]]))
    assert swapped["ids"][0, 1] == asked.support.x["ids"][3, 9]
    assert swapped["size"].tolist() == [5]
    assert not parts.fixed
    cells = {"cells": torch.ones(1, 3, 2), "mask": torch.ones(1, 3), "size": torch.tensor([3])}
    assert Parts.of(cells).fixed


def test_deleting_what_it_names_is_measured_on_real_positions() -> None:
    asked = case(9)
    for kind in (integrated_gradients, query_shapley, occlusion):
        measures = of_query(asked, kind(asked))
        assert {measure.name.split()[0] for measure in measures} == {"deletion", "insertion", "infidelity"}
        assert all(np.isfinite(measure.value) for measure in measures)


def test_explain_names_the_parts_and_makes_shapley_values_of_them_unasked() -> None:
    asked = case(5)
    found = explain(asked.learner, asked.support, asked.query, parts=asked.parts, checks=False)
    for kind in ("query_shapley", "integrated_gradients", "occlusion"):
        assert found[kind].players == asked.parts
    picture = explain(tiny.learner("protonet"), tiny.support(), tiny.query(), checks=False)
    assert "finer" in picture.left_out["query_shapley"]


def test_parts_of_other_inputs_play_too() -> None:
    """A row's numbers, hidden one by one, against the definition."""
    asked = tiny.case(tiny.learner("protonet"), tiny.support(), target=("contrast", "a", "b"))
    found = query_shapley(asked)
    whole, none = asked.query_values(asked.query), asked.query_values(torch.zeros_like(asked.query))
    assert found.values.sum() == pytest.approx((whole - none).item(), abs=1e-10)
    assert found.values.shape == (4,)


@pytest.mark.parametrize("name", ["protonet", "maml", "ridge"])
def test_positions_of_the_support_start_hidden_so_that_the_first_count_too(name: str) -> None:
    """The mean of masks is how long the examples are: what all of them have would be worth nothing."""
    asked = case(4, name)
    found, x = support_integrated_gradients(asked, bound=1e-4), asked.support.x
    with torch.no_grad():
        hidden = replace(asked.support, x=x | {"mask": torch.zeros_like(x["mask"])})
        assert found.baseline == pytest.approx(float(asked.target(asked.learner(hidden, asked.query)[0])), abs=1e-12)
    assert found.complete
    assert (found.values[x["mask"] > 0] != 0).all()
    assert (found.values[x["mask"] == 0] == 0).all()
