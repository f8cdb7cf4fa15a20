"""What a prediction owes to the meta-parameters, and when they were learned."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import tiny
import torch

import cases
from fewsight.errors import ExplanationError
from fewsight.experience import Experience, Snapshot
from fewsight.explain import KINDS, explain
from fewsight.explain.case import Case
from fewsight.explain.debt import debt, learned_when
from fewsight.learners import LEARNERS, MAML
from fewsight.networks import MLP
from fewsight.task import Task

VECTORS = [case for case in cases.CLASSIFICATION if case.input_kind == "vectors"]


def value(case: Case) -> float:
    with torch.no_grad():
        return case.value(case.support.weight, drop=True).item()


@pytest.mark.parametrize("given", VECTORS, ids=str)
def test_it_is_the_derivative_of_scaling_a_module(given: cases.Case) -> None:
    """Central differences, for every learner, of the module with the largest debt."""
    task = given.task()
    case = tiny.case(given.learner(), task.support, task.query[:1])
    found = debt(case)
    largest = found.players[np.abs(found.values).argmax()]
    moved = []
    for change in (1e-4, -1e-4):
        learner = deepcopy(case.learner)
        with torch.no_grad():
            for name, parameter in learner.named_parameters():
                if (name.rpartition(".")[0] or name) == largest:
                    parameter *= 1 + change
        moved.append(value(case.variant(learner=learner)))
    slope = (moved[0] - moved[1]) / 2e-4
    assert np.abs(found.values).max() == pytest.approx(abs(slope), rel=1e-5, abs=1e-8)
    assert {case.learner_name for case in VECTORS} == set(LEARNERS)


def test_nothing_in_the_learner_changes() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    case.learner.requires_grad_(False)
    before = {name: value.clone() for name, value in case.learner.state_dict().items()}
    assert debt(case).values.any()
    states = [tiny.learner(seed=s).state_dict() for s in (1, 2)]
    learned_when(case, states)
    assert all(torch.equal(before[name], value) for name, value in case.learner.state_dict().items())
    assert not any(parameter.requires_grad for parameter in case.learner.parameters())


@pytest.mark.parametrize("name", ["maml", "meta-sgd", "protonet", "ridge", "matching"])
def test_the_path_through_training_adds_up(name: str) -> None:
    case = tiny.case(tiny.learner(name), tiny.support(), target=("contrast", "a", "b"))
    end = case.learner.state_dict()
    noise = tiny.learner(name, seed=7).state_dict()
    states = [{n: torch.lerp(v, noise[n], share) for n, v in end.items()} for share in (0.3, 0.15, 0.0)]
    found = learned_when(case, states, ["step 0", "step 50", "step 100"], bound=1e-8, panels=64)
    assert found.complete
    assert found.values.shape[0] == 2
    assert len(found.players) == found.values.size
    assert found.players[0].startswith("step 0 to step 50, ")
    assert found.value == pytest.approx(value(case), abs=1e-12)
    assert found.provenance["heights"][1] - found.provenance["heights"][0] == pytest.approx(
        found.values[0].sum(), abs=1e-6
    )


def test_smooth_short_ways_are_exact_at_eight_nodes() -> None:
    case = tiny.case(tiny.learner(steps=2, rate=0.1), tiny.support())
    states = [{n: share * v for n, v in case.learner.state_dict().items()} for share in (0.8, 0.9, 1.0)]
    found = learned_when(case, states, panels=1)
    assert abs(found.values.sum() - (found.value - (found.baseline or 0))) < 1e-12


def test_a_module_that_training_left_alone_learned_nothing() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    end = case.learner.state_dict()
    start = {n: v if n.startswith("network.layers.0") else 0.5 * v for n, v in end.items()}
    found = learned_when(case, [start, end])
    shares = dict(zip(found.provenance["modules"], found.values[0], strict=True))
    assert shares["network.layers.0"] == 0
    assert shares["network.layers.2"] != 0


def test_jumps_of_relu_are_told() -> None:
    """A ReLU that switches during adaptation makes the prediction jump as the parameters move."""
    torch.manual_seed(3)
    learner = MAML(MLP([tiny.FEATURES, 16, 3], "relu"), head=None, inner_steps=4, inner_lr=1.0).double()
    case = tiny.case(learner, tiny.support())
    other = MAML(MLP([tiny.FEATURES, 16, 3], "relu"), head=None).double().state_dict()
    found = learned_when(case, [other, learner.state_dict()], panels=2)
    assert not found.complete
    assert "jumps" in found.notes[0]
    assert "do not add up" in str(found).splitlines()[0]


@pytest.mark.parametrize("kept", [False, True], ids=["trained on", "last snapshot kept"])
def test_the_recorded_training_is_followed_to_its_end(kept: bool) -> None:
    """The prediction explained is the learner's own, however long after the last snapshot training went on."""
    learner, support = tiny.learner("protonet"), tiny.support()
    stages = [tiny.learner("protonet", seed=2), learner if kept else tiny.learner("protonet", seed=1)]
    snapshots = [Snapshot.of(stage, step=step) for step, stage in zip((50, 150), stages, strict=True)]
    experience = Experience.of(learner, [Task(support, support.x, support.y)], snapshots=snapshots)
    found = explain(learner, support, tiny.query(), "learned_when", experience=experience, budget_seconds=1e5)
    explained = found["learned_when"]
    assert explained.complete
    assert explained.value == pytest.approx(value(tiny.case(learner, support)), abs=1e-12)
    assert explained.baseline_name == "the learner at step 50"
    assert explained.provenance["checkpoints"] == ["step 50", "step 150"] + ["the end"] * (not kept)
    assert "meta-training was not recorded" in KINDS["learned_when"].why_not(tiny.case(learner, support))
    alone = Experience.of(learner, [Task(support, support.x, support.y)])
    with pytest.raises(ExplanationError, match="one moment only"):
        explain(learner, support, tiny.query(), "learned_when", experience=alone, budget_seconds=1e5)


def test_bad_checkpoints_are_explained() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    state = case.learner.state_dict()
    with pytest.raises(ExplanationError, match="at least two"):
        learned_when(case, [state])
    with pytest.raises(ExplanationError, match="checkpoint 1 has no parameter"):
        learned_when(case, [state, tiny.learner("protonet").state_dict()])
