"""Learned step sizes, gates, prototypes and codes: the arrays rebuild what the learner did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiny
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.adaptation import loss_gradients, replay, thetas
from fewsight.explain.case import Case
from fewsight.explain.codes import latent_codes, prototype_map
from fewsight.explain.meta_parameters import gates, sizes_at, step_sizes
from fewsight.learners import create
from fewsight.networks import MLP


def made(name: str, **settings: Any) -> Case:
    torch.manual_seed(0)
    learner = create(name, MLP([tiny.FEATURES, 8, 5], "tanh"), **settings).double()
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter += 0.5 * torch.randn_like(parameter)
    return tiny.case(learner, tiny.support())


@pytest.mark.parametrize("name", ["maml", "meta-sgd", "maml++", "anil", "imaml"])
def test_step_sizes_rebuild_every_step(name: str) -> None:
    case = made(name)
    learner: Any = case.learner
    for index, step in enumerate(replay(case)):
        size = sizes_at(learner, step.before, index)
        for key, gradient in step.gradients.items():
            rebuilt = step.before[key] - size[key] * gradient
            torch.testing.assert_close(rebuilt, step.after[key], rtol=0, atol=1e-14)
    found = step_sizes(case)
    assert found.residual is not None
    assert found.residual < 1e-12


@pytest.mark.parametrize("name", ["maml", "maml++"])
def test_what_is_drawn_rebuilds_the_path(name: str) -> None:
    """One size for each layer and step, learned or not: the numbers of the picture take theta_t to theta_{t+1}."""
    case = made(name, inner_lr=0.3, inner_steps=3)
    learner: Any = case.learner
    if name == "maml++":
        with torch.no_grad():
            for layer in ("network/layers/0", "network/layers/2", "head"):
                learner.rates.multiplier[f"{layer}/bias"].copy_(learner.rates.multiplier[f"{layer}/weight"])
    drawn = step_sizes(case)
    theta = thetas(case)[0]
    for t in range(3):
        gradients = loss_gradients(case, theta, thetas(case)[0])
        for layer, size in zip(drawn.provenance["layers"], drawn.values[t], strict=True):
            for kind in ("weight", "bias"):
                theta[f"{layer}.{kind}"] = theta[f"{layer}.{kind}"] - size * gradients[f"{layer}.{kind}"]
        for key, value in thetas(case)[t + 1].items():
            torch.testing.assert_close(theta[key], value, rtol=0, atol=1e-13)
    assert name == "maml" or np.ptp(drawn.values) > 0.01


def test_step_sizes_are_the_learned_numbers() -> None:
    case = made("maml++", inner_lr=0.3, inner_steps=3)
    found = step_sizes(case)
    learner: Any = case.learner
    weight, bias = (learner.rates.multiplier[f"head/{kind}"] for kind in ("weight", "bias"))
    expected = 0.3 * (15 * weight + 3 * bias) / 18  # 3 classes of 5 weights and a bias
    np.testing.assert_allclose(found.values[:, 2], expected.detach().numpy(), atol=1e-12)
    plain = step_sizes(made("maml", inner_lr=0.3))
    np.testing.assert_allclose(plain.values, 0.3, atol=1e-12)
    assert plain.notes[0].startswith("0.0%")


def test_negative_step_sizes_are_counted() -> None:
    case = made("meta-sgd")
    learner: Any = case.learner
    with torch.no_grad():
        learner.rates.multiplier["network/layers/0/weight"][:2] = -1.0  # 8 of its 32 numbers, of 40 in the layer
        for value in learner.rates.multiplier.values():
            value.copy_(torch.where(value == -1.0, value, value.abs()))
    found = step_sizes(case)
    assert found.provenance["negative_share"][0] == pytest.approx([0.2, 0, 0])
    assert found.notes[0].startswith("7.8%")  # 8 of 40 + 45 + 18


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "meta-lstm"])
def test_other_rules_have_no_step_sizes(optimizer: str) -> None:
    with pytest.raises(ExplanationError, match="not step sizes"):
        step_sizes(made("maml", inner_optimizer=optimizer))


def test_gates_rebuild_every_step() -> None:
    case = made("meta-lstm", inner_lr=0.05)
    learner: Any = case.learner
    for step in replay(case):
        gate = learner.optimizer.gates(step.memory)
        for name, gradient in step.gradients.items():
            keep, take = (gate[kind][name].reshape(gradient.shape) for kind in ("keep", "take"))
            torch.testing.assert_close(keep * step.before[name] - take * gradient, step.after[name], rtol=0, atol=1e-14)
    found = gates(case)
    assert found.values.shape == (5, 3, 2)
    assert len(found.players) == found.values.size
    assert found.residual is not None
    assert found.residual < 1e-12
    assert np.ptp(found.values) > 0.01
    with pytest.raises(ExplanationError, match="no gates"):
        gates(made("maml"))


def test_an_untrained_gated_optimizer_is_gradient_descent() -> None:
    torch.manual_seed(0)
    case = tiny.case(create("meta-lstm", MLP([tiny.FEATURES, 5]), inner_lr=0.05).double(), tiny.support())
    found = gates(case)
    np.testing.assert_allclose(found.values[..., 0], 1, atol=0.01)
    np.testing.assert_allclose(found.values[..., 1], 0.05, atol=0.01)


def test_three_prototypes_and_the_decision_lie_in_one_plane() -> None:
    """Differences of squared distances to the prototypes are those of the full space."""
    case = tiny.case(tiny.learner("protonet"), tiny.support())
    found = prototype_map(case)
    assert found.values.shape == (3 + 6 + 1, 2)
    assert found.provenance["share"] == pytest.approx(1, abs=1e-12)
    prototypes, query = found.values[:3], found.values[-1]
    scores = -np.square(query - prototypes).sum(1)
    with torch.no_grad():
        true = case.model(case.query)[0].numpy()
    np.testing.assert_allclose(scores - scores[0], true - true[0], atol=1e-12)
    np.testing.assert_allclose(prototypes[0], found.values[3:5].mean(0), atol=1e-12)
    many = prototype_map(tiny.case(tiny.learner("protonet"), tiny.support(6)))
    assert many.provenance["share"] < 0.999
    with pytest.raises(ExplanationError, match="no prototypes"):
        prototype_map(tiny.case(tiny.learner("matching"), tiny.support()))


def test_codes_rebuild_the_classifier() -> None:
    """Without finetuning the class weights are the decoded adapted codes."""
    case = made("leo", finetuning_steps=0, inner_lr=0.05)
    found = latent_codes(case)
    learner: Any = case.learner
    with torch.no_grad():
        rebuilt = learner.decoder(torch.tensor(found.provenance["after"], dtype=torch.float64))
    torch.testing.assert_close(rebuilt, case.model.state["weight"], rtol=0, atol=1e-12)
    moved = np.array(found.provenance["after"]) - np.array(found.provenance["before"])
    np.testing.assert_allclose(found.values, np.linalg.norm(moved, axis=1), atol=1e-12)
    assert found.values.any()
    assert np.array(found.provenance["after_on_plane"]).shape == (3, 2)
    still = latent_codes(made("leo", inner_steps=0))
    np.testing.assert_array_equal(still.values, 0)
    with pytest.raises(ExplanationError, match="no latent codes"):
        latent_codes(tiny.case(tiny.learner(), tiny.support()))
