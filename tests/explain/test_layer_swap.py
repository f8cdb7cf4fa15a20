"""Shapley values of layers: adapted weights in some, initial ones in the rest."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch
from torch.func import functional_call

from fewsight.errors import ExplanationError
from fewsight.explain.layer_swap import layer_swap
from fewsight.explain.path_tensor import path_tensor
from fewsight.learners import create
from fewsight.networks import MLP


@pytest.mark.parametrize("name", ["maml", "maml++", "proto-maml"])
def test_it_adds_up(name: str) -> None:
    found = layer_swap(tiny.case(tiny.learner(name), tiny.support()))
    assert found.players == ("network.layers.0", "network.layers.2", "head")
    assert found.baseline is not None
    assert abs(found.values.sum() - (found.value - found.baseline)) < 1e-14
    assert (found.values != 0).all()


def test_anil_has_all_its_mass_on_the_head_and_boil_none() -> None:
    anil = layer_swap(tiny.case(tiny.learner("anil"), tiny.support()))
    assert anil.players == ("network.layers.0", "network.layers.2", "head")
    assert (anil.values[:2] == 0).all()
    assert anil.baseline is not None
    assert anil.values[2] == pytest.approx(anil.value - anil.baseline, abs=1e-14)
    assert abs(anil.values[2]) > 0.1
    boil = layer_swap(tiny.case(tiny.learner("boil"), tiny.support()))
    assert dict(zip(boil.players, boil.values, strict=True))["head"] == 0
    assert boil.values.any()


def test_one_layer_by_hand() -> None:
    case = tiny.case(create("maml", MLP([tiny.FEATURES, 3]), head=None, inner_lr=0.5).double(), tiny.support())
    with torch.no_grad():
        states = [state["theta"] for state in case.learner.trace(case.support).states]

        def score(theta: dict[str, torch.Tensor]) -> float:
            body = {name.removeprefix("network."): value for name, value in theta.items()}
            return case.target(functional_call(case.learner.network, body, (case.query,))[0]).item()  # type: ignore[arg-type]

        found = layer_swap(case)
        assert found.values.tolist() == [pytest.approx(score(states[-1]) - score(states[0]), abs=1e-14)]


def test_a_linear_prediction_has_the_layers_of_the_path_tensor() -> None:
    """Only the head moves and F is linear in it: every way of sharing agrees."""
    learner = create("anil", MLP([tiny.FEATURES, 5])).double()
    case = tiny.case(learner, tiny.support(), target="contrast")
    assert layer_swap(case).values[-1] == pytest.approx(path_tensor(case).values.sum(), abs=1e-12)


def test_no_step_no_layer_moved() -> None:
    found = layer_swap(tiny.case(tiny.learner(steps=0), tiny.support()))
    np.testing.assert_array_equal(found.values, 0)
    assert found.complete


def test_deep_networks_are_merged_to_at_most_twelve_players() -> None:
    learner = create("maml", MLP([tiny.FEATURES, *[4] * 14], "tanh")).double()
    found = layer_swap(tiny.case(learner, tiny.support()))
    assert found.players == ("network.layers", "head")
    assert found.complete


def test_where_it_is_not_defined() -> None:
    with pytest.raises(ExplanationError, match="does not adapt parameters"):
        layer_swap(tiny.case(tiny.learner("matching"), tiny.support()))
