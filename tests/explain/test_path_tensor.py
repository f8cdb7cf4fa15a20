"""Step x example x layer: which example moved the prediction, when, and through which layer."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from torch import nn

import cases
from fewsight.errors import ExplanationError
from fewsight.explain.adaptation import layers, replay, thetas, value_at
from fewsight.explain.case import Case
from fewsight.explain.path import path
from fewsight.explain.path_tensor import PENALTY, example_gradients, path_tensor, superposes
from fewsight.learners import MAML, create
from fewsight.networks import MLP, Conv4, TaskNorm
from fewsight.task import Support

ADDITIVE = ["maml", "fomaml", "anil", "boil", "meta-sgd", "maml++", "proto-maml"]


def made(name: str = "maml", **settings: Any) -> Case:
    """A case of a smooth learner whose parameters, rates included, are random."""
    given = {"inner_lr": 0.3, "inner_steps": 3} | settings
    learner = create(name, MLP([tiny.FEATURES, 8, 5], "tanh"), **given).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter += 0.4 * torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
    return tiny.case(learner, tiny.support())


@pytest.mark.parametrize("name", ADDITIVE)
def test_it_adds_up_to_rounding_at_eight_nodes(name: str) -> None:
    case = made(name)
    found = path_tensor(case, panels=1)
    assert found.values.shape[:2] == (3, 6)
    assert len(found.players) == found.values.size
    assert found.baseline is not None
    assert abs(found.value - found.baseline) > 1e-3
    assert abs(found.values.sum() - (found.value - found.baseline)) < 1e-13


def test_value_and_baseline_are_those_of_the_models() -> None:
    case = made("proto-maml")
    with torch.no_grad():
        first, *_, last = (
            case.target(model(case.query)[0]).item() for model in case.learner.trace(case.support).models()
        )
    found = path_tensor(case)
    assert (found.baseline, found.value) == (pytest.approx(first, abs=1e-12), pytest.approx(last, abs=1e-12))


class Normalised(nn.Module):
    """Features without kinks behind a layer that normalises by the support."""

    out_features = 8

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(tiny.FEATURES, 8), TaskNorm(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.norm(self.layer(x)))


def test_support_moments_that_move_with_the_parameters_are_counted() -> None:
    torch.manual_seed(0)
    case = tiny.case(MAML(Normalised(), head="prototype", inner_steps=3).double(), tiny.support())
    found = path_tensor(case, panels=32, bound=1e-13)
    assert abs(found.values.sum() - (found.value - (found.baseline or 0))) < 1e-13
    assert (found.values != 0).all()


def test_more_nodes_are_more_exact() -> None:
    case = made(inner_lr=1.0)
    wrong = []
    for nodes in (1, 2, 4):
        found = path_tensor(case, nodes=nodes, panels=1)
        wrong.append(abs(found.values.sum() - (found.value - (found.baseline or 0))))
    assert wrong[0] > 30 * wrong[1] > 900 * wrong[2]


def test_relu_is_bisected_and_the_residual_told() -> None:
    torch.manual_seed(1)
    learner = MAML(MLP([tiny.FEATURES, 16, 3], "relu"), head=None, inner_steps=3, inner_lr=1.0).double()
    case = tiny.case(learner, tiny.support())
    coarse, fine = path_tensor(case, panels=1), path_tensor(case, panels=64, bound=1e-5)
    assert coarse.residual is not None
    assert fine.residual is not None
    assert coarse.residual > 1e-3 > 1e-5 >= fine.residual
    assert not coarse.complete
    assert "kinks" in coarse.notes[0]


def test_kinks_of_the_head_and_of_pooling_are_bisected() -> None:
    assert path_tensor(made("cavia"), panels=64, bound=1e-5).complete
    torch.manual_seed(0)
    support = Support.of(torch.rand(6, 1, 8, 8, dtype=torch.float64), list("aabbcc"))
    learner = create("boil", Conv4(hidden=4, size=(8, 8), blocks=2), inner_steps=2).double()
    found = path_tensor(tiny.case(learner, support, torch.rand(1, 1, 8, 8, dtype=torch.float64)), panels=64)
    assert found.complete


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov"])
def test_memory_of_gradients_is_split_by_superposition(optimizer: str) -> None:
    found = path_tensor(made(inner_optimizer=optimizer), panels=1)
    assert found.values.shape == (3, 6, 3)
    assert abs(found.values.sum() - (found.value - (found.baseline or 0))) < 1e-13


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "adagrad", "meta-lstm", "lstm"])
def test_steps_that_are_no_sum_are_split_by_step_and_layer(optimizer: str) -> None:
    found = path_tensor(made(inner_optimizer=optimizer, inner_lr=0.02), nodes=16, panels=8, bound=1e-9)
    assert found.values.shape == (3, 3)
    assert found.complete
    assert "no sum over examples" in found.notes[0]
    assert found.players[:2] == ("step 1, network.layers.0", "step 1, network.layers.2")


def test_which_optimizers_superpose() -> None:
    for optimizer, expected in {"sgd": True, "momentum": True, "adam": False, "meta-lstm": False}.items():
        case = made(inner_optimizer=optimizer)
        assert superposes(case.learner, thetas(case)[0]) is expected, optimizer  # type: ignore[arg-type]


def test_a_penalty_is_a_player_of_its_own() -> None:
    found = path_tensor(made("imaml", inner_steps=4, proximal=0.5), panels=1)
    assert found.provenance["examples"][-1] == PENALTY
    assert found.values.shape == (4, 7, 3)
    assert (found.values[0, -1] == 0).all()  # at the start there is nowhere to pull back to
    assert (found.values[1:, -1] != 0).any()
    assert abs(found.values.sum() - (found.value - (found.baseline or 0))) < 1e-13


def test_example_gradients_are_those_of_single_losses() -> None:
    case = made()
    theta = thetas(case)[1]
    *each, rest = example_gradients(case, theta, theta)
    assert not any(value.any() for value in rest.values())
    total = replay(case)[1].gradients
    for name, value in total.items():
        torch.testing.assert_close(sum(one[name] for one in each), value, rtol=0, atol=1e-14)
    alone = case.support.reweighted(torch.eye(6, dtype=torch.float64)[2], drop=True)
    other = replay(case.variant(support=alone))[0].gradients
    first = example_gradients(case, thetas(case)[0], thetas(case)[0])[2]
    for name, value in other.items():
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-14)


def test_the_replay_is_the_trace() -> None:
    case = made("maml++", inner_optimizer="momentum")
    learner: Any = case.learner
    memory = learner.optimizer.init(learner.moving(thetas(case)[0]))
    for index, step in enumerate(replay(case)):
        after, memory = learner.advance(step.before, step.gradients, memory, index)
        for name, value in step.after.items():
            torch.testing.assert_close(after[name], value, rtol=0, atol=1e-14)


def test_one_step_on_a_linear_prediction_is_the_path_of_weights() -> None:
    """F is linear in the head and the step linear in the weights, so both paths are one."""
    case = tiny.case(
        create("anil", MLP([tiny.FEATURES, 5]), inner_steps=1, inner_lr=0.3).double(), tiny.support(), target="contrast"
    )
    np.testing.assert_allclose(path_tensor(case).values.sum((0, 2)), path(case).values, atol=1e-12)


def test_absent_examples_have_no_part_and_duplicates_equal_ones() -> None:
    support = tiny.support().take(torch.tensor([0, 1, 2, 3, 4, 5, 0]))
    support = support.reweighted(torch.tensor([1, 1, 0, 1, 1, 1, 1], dtype=torch.float64))
    found = path_tensor(tiny.case(tiny.learner(), support))
    assert (found.values[:, 2] == 0).all()
    np.testing.assert_allclose(found.values[:, 0], found.values[:, 6], atol=1e-14)


def test_layers_are_merged_into_their_parents() -> None:
    names = ["network.a.0.weight", "network.a.0.bias", "network.a.1.weight", "network.b.weight", "head.weight", "scale"]
    assert list(layers(names)) == ["network.a.0", "network.a.1", "network.b", "head", "scale"]
    assert list(layers(names, 4)) == ["network.a", "network.b", "head", "scale"]
    assert list(layers(names, 3)) == ["network", "head", "scale"]
    assert [name for group in layers(names, 3).values() for name in group] == names


def test_where_it_is_not_defined() -> None:
    with pytest.raises(ExplanationError, match="does not adapt parameters"):
        path_tensor(tiny.case(tiny.learner("protonet"), tiny.support()))
    with pytest.raises(ExplanationError, match="takes no inner step"):
        path_tensor(tiny.case(tiny.learner(steps=0), tiny.support()))


def test_the_last_point_of_the_path_is_the_prediction() -> None:
    for given in (c for c in cases.CLASSIFICATION if c.learner_name == "maml"):
        task = given.task()
        query = cases.INPUTS[given.input_kind][1](1, torch.Generator().manual_seed(9))
        case = tiny.case(given.learner(), task.support, query)
        expected = partial(case.value, task.support.weight, drop=True)
        with torch.no_grad():
            assert value_at(case, thetas(case)[-1]).item() == pytest.approx(expected().item(), abs=1e-12)
