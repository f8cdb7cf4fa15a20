"""Inside, at the edge, outside: nominal rates on ordinary tasks, strangers found, embeddings that know no order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import case
from torch import Tensor

from cases import CASES, Case
from fewsight.domains import Episodes, open_domain
from fewsight.errors import ExplanationError
from fewsight.experience import Experience, embed, method
from fewsight.explain.task_map import EDGE, OUTSIDE, TaskMap, task_map, task_similarity
from fewsight.learner import Learner
from fewsight.learners import MAML, ProtoNet, Ridge
from fewsight.networks import MLP, Conv4
from fewsight.task import Support
from fewsight.tree import Tree

SINES = open_domain("sinusoid").family("train", ways=1, shots=10, queries=5)
DIGITS = open_domain("digits").family("train", ways=3, shots=2, queries=2)
VECTORS = [each for each in CASES if each.input_kind == "vectors"]


def made(make: Callable[[], Learner]) -> Learner:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().eval()


@pytest.fixture(scope="module")
def maml() -> tuple[Learner, Experience]:
    """Sine waves under one inner step of an untrained perceptron: what is calibrated holds for any learner."""
    learner = made(lambda: MAML(MLP([1, 20]), head=1, features=20, inner_steps=1, inner_lr=0.01))
    ordinary = Episodes(SINES, 0, "val").batch(0, 120)
    return learner, Experience.of(learner, Episodes(SINES, 0, "train").batch(0, 60), ordinary)


@pytest.fixture(scope="module")
def protonet() -> tuple[Learner, Experience]:
    learner = made(lambda: ProtoNet(Conv4(size=(16, 16), hidden=8, blocks=2, norm="group")))
    ordinary = Episodes(DIGITS, 0, "val").batch(0, 120)
    return learner, Experience.of(learner, Episodes(DIGITS, 0, "train").batch(0, 60), ordinary)


def place(known: tuple[Learner, Experience], support: Support) -> TaskMap:
    learner, experience = known
    return task_map(case(learner, support, support.x[:1]), experience)


def wave(amplitude: float, frequency: float, index: int) -> Support:
    generator = torch.Generator().manual_seed(index)
    x, phase = 10 * torch.rand(10, 1, generator=generator) - 5, 3 * torch.rand((), generator=generator)
    return Support.of(x, amplitude * torch.sin(frequency * x - phase))


@pytest.mark.parametrize("kind", ["maml", "protonet"])
def test_ordinary_tasks_are_inside_at_the_nominal_rate(kind: str, request: pytest.FixtureRequest) -> None:
    """80 new tasks against 120 held out: p <= .1 in 8 of them on average; 4 standard errors are allowed."""
    known, family = request.getfixturevalue(kind), SINES if kind == "maml" else DIGITS
    p = np.array([place(known, task.support).p for task in Episodes(family, 0, "new").batch(0, 80)])
    for level in (EDGE, OUTSIDE, 0.5):
        sigma = np.sqrt(level * (1 - level) * (1 / 80 + 1 / 120))
        assert abs((p <= level).mean() - level) < 4 * sigma + 1 / 120


@pytest.mark.parametrize(("amplitude", "frequency"), [(20.0, 1.0), (30.0, 3.0)])
def test_a_far_away_amplitude_is_outside(maml: tuple[Learner, Experience], amplitude: float, frequency: float) -> None:
    found = [place(maml, wave(amplitude, frequency, index)).verdict for index in range(12)]
    assert found == ["outside"] * 12


def test_a_far_away_frequency_is_noticed_by_a_learner_that_was_trained() -> None:
    """Ridge on features fitted to slow waves: fast ones of an ordinary amplitude leave what it has met."""
    from fewsight.training import fit

    learner = made(lambda: Ridge(MLP([1, 40, 40], "tanh")))
    train = Episodes(SINES, 0, "train")
    fit(learner, train, steps=120, meta_batch=10, lr=3e-3, strategy="vmap", progress=False)
    known = learner, Experience.of(learner, train.batch(0, 80), Episodes(SINES, 0, "val").batch(0, 150))
    fast = np.array([place(known, wave(3.0, 4.0, index)).p for index in range(30)])
    slow = np.array([place(known, wave(3.0, 1.0, index)).p for index in range(30)])
    assert (fast <= EDGE).mean() > 0.6
    assert (slow <= EDGE).mean() < 0.3


def test_noise_instead_of_digits_is_outside(protonet: tuple[Learner, Experience]) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = [
        Support.of(torch.rand(6, 1, 16, 16, generator=generator), ["a", "a", "b", "b", "c", "c"]) for _ in range(10)
    ]
    assert [place(protonet, support).verdict for support in noise] == ["outside"] * 10


def test_a_training_task_is_its_own_nearest(maml: tuple[Learner, Experience]) -> None:
    learner, experience = maml
    assert experience.tasks is not None
    found = place(maml, experience.tasks[7].support)
    assert found.nearest[0].name == experience.names[7]
    assert found.nearest[0].distance == pytest.approx(0, abs=1e-6)
    assert found.verdict == "inside"
    assert found.here == pytest.approx(found.recorded[7])
    likeness = task_similarity(case(learner, experience.tasks[7].support, torch.zeros(1, 1)), experience)
    assert int(likeness.values.argmax()) == 7
    assert likeness.values[7] == pytest.approx(1)
    assert likeness.players == experience.names


def test_the_plane_keeps_what_it_says_of_the_variance(maml: tuple[Learner, Experience]) -> None:
    """Principal components against scikit-learn's, up to sign."""
    from sklearn.decomposition import PCA

    experience = maml[1]
    found = place(maml, wave(2.0, 1.0, 0))
    known = experience.embeddings.numpy()
    where, fit = known[:, :-2], known[:, -2:]
    where = (where - where.mean(0)) / np.sqrt(where.var(0).sum())
    scaled = np.column_stack([where, (fit - fit.mean(0)) / fit.std(0).clip(min=0.1)])
    pca = PCA(2, svd_solver="full").fit(scaled)
    assert found.shown == pytest.approx(pca.explained_variance_ratio_.sum())
    np.testing.assert_allclose(np.abs(found.recorded), np.abs(pca.transform(scaled)), atol=1e-8)


def test_json_and_words(maml: tuple[Learner, Experience]) -> None:
    learner, experience = maml
    found = place(maml, wave(20.0, 1.0, 0))
    record = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert record["schema"] == "fewsight.task_map/1"
    assert (record["verdict"], record["percentile"]) == ("outside", 100.0)
    assert len(record["nearest"]) == 5
    assert "outside the learner's experience" in str(found)
    few = replace(experience, held_out=experience.held_out[:20])
    unsure = place((learner, few), wave(20.0, 1.0, 0))
    assert unsure.verdict == "at the edge of"
    assert "Only 20 tasks were held out" in unsure.notes[0]
    nothing = place((learner, replace(experience, held_out=experience.held_out[:0])), wave(20.0, 1.0, 0))
    assert nothing.verdict == "unknown"
    assert json.loads(json.dumps(nothing.to_json(), allow_nan=False))["p"] is None
    other = place(maml, wave(2.0, 1.0, 0).take(slice(0, 4)))
    assert "Ordinary tasks have 10 examples, this one 4 examples" in other.notes[0]


def test_another_learner_is_refused(maml: tuple[Learner, Experience]) -> None:
    learner, experience = maml
    changed = made(lambda: MAML(MLP([1, 20]), head=1, features=20, inner_steps=2, inner_lr=0.01))
    changed.load_state_dict(learner.state_dict())
    with pytest.raises(ExplanationError, match="other weights or other settings of adaptation"):
        place((changed, experience), wave(2.0, 1.0, 0))


@pytest.mark.parametrize("each", VECTORS, ids=str)
def test_embeddings_know_no_order_and_no_ways(each: Case) -> None:
    learner, task = each.learner().eval(), each.task()
    support, probe = task.support, task.query
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    vector = embed(learner, support, probe)
    order = torch.tensor([3, 1, 5, 0, 4, 2])
    if not learner.order_dependent:
        torch.testing.assert_close(embed(learner, support.take(order), probe), vector, rtol=1e-6, atol=1e-8)
    if support.ways is not None and not learner.label_order_matters:
        renamed = replace(support, y=torch.tensor([2, 0, 1])[support.y])
        torch.testing.assert_close(embed(learner, renamed, probe), vector, rtol=1e-6, atol=1e-8)
        fewer = each.task(3, shots=(2, 2)).support
        assert embed(learner, fewer, probe).shape == vector.shape
    assert not torch.allclose(embed(learner, each.task(1).support, probe), vector), "another task is another vector"
    assert all(torch.equal(before[name], value) for name, value in learner.state_dict().items())


def test_a_learner_that_offers_nothing_is_asked_fixed_probes() -> None:
    class Mean(Learner):
        kinds = frozenset({"regression"})

        def solve(self, support: Support) -> Tree:
            return support.share @ support.y

        def score(self, state: Tree, query: Tree) -> Tensor:
            return state.expand(query.shape[0], -1)

    support, probe = wave(2.0, 1.0, 0), torch.zeros(3, 1)
    assert method(Mean()) == "the answers to fixed probes"
    found = embed(Mean(), support, probe)
    torch.testing.assert_close(found[:3], support.y.mean().double().expand(3))
