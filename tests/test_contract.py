"""The contract of `fewsight.learner`, for every registered learner on every kind of input.

A new learner gets all of this by being registered. Everything runs in float64; tolerances are those of float64.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from cases import CASES, CLASSIFICATION, OUTER_RATE, OUTER_STEPS, Case
from fewsight import tree
from fewsight.learner import ABSENT, task_loss
from fewsight.learners import LEARNERS, create
from fewsight.networks import MLP
from fewsight.task import Support, Task, stack
from fewsight.training import checkpoint
from fewsight.training.engine import Engine, Strategy
from fewsight.tree import Tree

every = pytest.mark.parametrize("case", CASES, ids=str)
every_classifier = pytest.mark.parametrize("case", CLASSIFICATION, ids=str)


def close(a: Tensor, b: Tensor, tolerance: float = 1e-9) -> None:
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


# 1. An example of weight 0 is absent.


@every
@pytest.mark.parametrize("gone", [[1], [0], [2, 4]], ids=str)
def test_weight_zero_is_absent(case: Case, gone: list[int]) -> None:
    learner, task = case.learner(), case.task()
    weight = torch.ones(task.support.size, dtype=torch.float64)
    weight[gone] = 0
    kept = [i for i in range(task.support.size) if i not in gone]
    with_zero = learner(task.support.reweighted(weight), task.query)
    close(with_zero, learner(task.support.take(kept), task.query))


@every
def test_what_an_absent_example_looks_like_does_not_matter(case: Case) -> None:
    learner, task = case.learner(), case.task()
    support = task.support.reweighted(torch.tensor([1.0, 1, 1, 1, 1, 0], dtype=torch.float64))
    other = case.inputs(6, seed=77)
    changed = tree.tree_map(lambda a, b: torch.cat([a[:5], b[5:]]), support.x, tree.to(other, torch.float64))
    close(learner(support, task.query), learner(replace(support, x=changed), task.query))


# 2. The order of the support does not matter, unless the learner says so.


@every
def test_order_of_the_support(case: Case) -> None:
    learner, task = case.learner(), case.task()
    shuffled = task.support.take(torch.tensor([4, 2, 0, 5, 1, 3]))
    difference = (learner(task.support, task.query) - learner(shuffled, task.query)).abs().max()
    assert (difference > 1e-9) == learner.order_dependent


@every_classifier
def test_order_of_the_classes(case: Case) -> None:
    learner, task = case.learner(), case.task()
    labels = [task.support.labels[i] for i in task.support.y.tolist()]
    turned = Support.of(task.support.x, labels, classes=("c2", "c0", "c1")).to(torch.float64)
    scores, again = learner(task.support, task.query), learner(turned, task.query)[:, [1, 2, 0]]
    assert ((scores - again).abs().max() > 1e-9) == learner.label_order_matters


# 3. Queries do not influence each other, unless the learner is transductive.


@every
def test_queries_are_independent(case: Case) -> None:
    learner, task = case.learner(), case.task()
    together = learner(task.support, task.query)
    for i in range(4):
        close(together[i : i + 1], learner(task.support, tree.take(task.query, slice(i, i + 1))))


@pytest.mark.parametrize("name", LEARNERS)
def test_transductive_is_as_declared(name: str) -> None:
    case = Case(name, "images", "classification")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        learner = create(name, case.learner().get_submodule(_network_name(case)), transductive=True).double()
        for parameter in learner.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    task = case.task()
    together = learner(task.support, task.query)
    alone = learner(task.support, tree.take(task.query, slice(0, 1)))
    assert learner.transductive
    assert (together[:1] - alone).abs().max() > 1e-6


def _network_name(case: Case) -> str:
    return next(name for name, _ in case.learner().named_children() if name in ("network", "embedding_model"))


# 4. One task at a time, and a vectorised batch of tasks of unequal size, agree.


@every
def test_batch_of_tasks_agrees_with_loop(case: Case) -> None:
    learner = case.learner()
    shapes = [(1, 2, 3), (2, 2, 2), (1, 1, 1)] if case.task_kind == "regression" else [(1, 2, 3), (2, 2), (1, 1, 1)]
    tasks = [
        case.task(seed, shots, queries) for seed, (shots, queries) in enumerate(zip(shapes, (4, 3, 4), strict=True))
    ]
    batch = stack(tasks)
    scores = vmap(lambda t: learner(t.support, t.query), randomness="different")(batch)
    losses = vmap(task_loss)(scores, batch)
    for index, task in enumerate(tasks):
        alone = learner(task.support, task.query)
        close(scores[index, : alone.shape[0], : alone.shape[1]], alone)
        close(losses[index], task_loss(alone, task))


# 5. Derivatives in omega, weights, support inputs and queries are those of the function.


def directional(function, point: Tree, seed: int) -> tuple[float, float]:
    """The derivative of a scalar function along a random direction: by autograd, and by central differences."""
    generator = torch.Generator().manual_seed(seed)
    moving = [leaf.detach().clone().requires_grad_(leaf.is_floating_point()) for leaf in tree.leaves(point)]
    flat = [leaf for leaf in moving if leaf.requires_grad]
    direction = [torch.randn(leaf.shape, dtype=torch.float64, generator=generator) for leaf in flat]
    rebuild = torch.utils._pytree.tree_unflatten
    structure = torch.utils._pytree.tree_flatten(point)[1]
    value = function(rebuild(moving, structure))
    found = torch.autograd.grad(value, flat, materialize_grads=True, allow_unused=True)
    exact = sum(float((g.nan_to_num() * d).sum()) for g, d in zip(found, direction, strict=True))

    def shifted(step: float) -> float:
        moves = iter(direction)
        leaves = [leaf.detach() + step * next(moves) if leaf.requires_grad else leaf for leaf in moving]
        with torch.no_grad():
            return float(function(rebuild(leaves, structure)))

    return exact, (shifted(1e-6) - shifted(-1e-6)) / 2e-6


@every
@pytest.mark.parametrize("argument", ["omega", "weight", "dropped weight", "support inputs", "query"])
def test_derivative_agrees_with_finite_differences(case: Case, argument: str) -> None:
    learner, task = case.learner(), case.task()
    support, query, omega = task.support, task.query, dict(learner.named_parameters())
    if argument in ("support inputs", "query") and case.input_kind == "tokens":
        pytest.skip("token ids have no derivative")
    functions = {
        "omega": (lambda w: functional_call(learner, w, (support, query)), omega),
        "weight": (lambda v: learner(support.reweighted(v), query), support.weight),
        "dropped weight": (lambda v: learner(support.reweighted(v, drop=True), query), support.weight * 0.7),
        "support inputs": (lambda x: learner(replace(support, x=x), query), support.x),
        "query": (lambda q: learner(support, q), query),
    }
    function, point = functions[argument]
    probe = torch.randn(learner(support, query).shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    exact, difference = directional(lambda p: (function(p) * probe).sum(), point, seed=4)
    assert exact == pytest.approx(difference, rel=2e-5, abs=2e-7)


@every
def test_derivative_at_an_absent_example_is_finite(case: Case) -> None:
    learner, task = case.learner(), case.task()
    weight = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(learner(task.support.reweighted(weight, drop=True), task.query).sum(), weight)
    assert torch.isfinite(gradient).all()


# 6. Adapting, predicting and differentiating change nothing in the learner.


@every
def test_adapting_changes_nothing(case: Case) -> None:
    learner, task = case.learner(), case.task()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    model = learner.adapt(task.support)
    first = model(task.query)
    close(first, learner(task.support, task.query), 0)
    torch.autograd.grad(first.sum(), [p for p in learner.parameters() if p.requires_grad], allow_unused=True)
    learner.trace(task.support)
    assert all(torch.equal(before[name], value) for name, value in learner.state_dict().items())
    assert all(parameter.grad is None for parameter in learner.parameters())


# 7. Saving and loading keeps predictions, to the bit.


@every
def test_saving_and_loading(case: Case, tmp_path) -> None:
    learner, task, other = case.learner(), case.task(), case.learner()
    for parameter in other.parameters():
        parameter.data.zero_()
    checkpoint.save(tmp_path / "learner.json", dict(learner.state_dict()))
    other.load_state_dict(checkpoint.load(tmp_path / "learner.json"))
    assert torch.equal(learner(task.support, task.query), other(task.support, task.query))


# 8. Ways, shots and label names are free.


@every_classifier
@pytest.mark.parametrize("shots", [(1, 1), (3, 1), (1, 2, 1, 4, 1, 2, 1)], ids=str)
def test_any_ways_and_shots(case: Case, shots: tuple[int, ...]) -> None:
    learner, task = case.learner(), case.task(shots=shots)
    scores = learner(task.support, task.query)
    assert scores.shape == (4, len(shots))
    assert torch.isfinite(scores).all()


@every_classifier
def test_labels_of_any_hashable_kind(case: Case) -> None:
    learner, task = case.learner(), case.task()
    names = ["a", 7, ("x", 1)]
    support = Support.of(task.support.x, [names[i] for i in task.support.y.tolist()]).to(torch.float64)
    model = learner.adapt(support)
    assert model.predict(task.query) == [names[i] for i in model(task.query).argmax(-1).tolist()]


@every_classifier
def test_a_class_without_examples_gets_no_probability(case: Case) -> None:
    learner, task = case.learner(), case.task()
    weight = torch.tensor([0.0, 1, 1, 1, 1, 1], dtype=torch.float64)  # the only example of class c0
    scores = learner(task.support.reweighted(weight), task.query)
    assert (scores[:, 0] == ABSENT).all()
    assert (scores.softmax(-1)[:, 0] == 0).all()


@every_classifier
def test_unadapted_prediction_does_not_prefer_a_class(case: Case) -> None:
    learner, task = case.learner(), case.task()
    if learner.label_order_matters:
        pytest.skip("a fixed head has preferences of its own")
    silent = task.support.reweighted(torch.zeros(6, dtype=torch.float64), drop=True)
    close(learner(silent, task.query).softmax(-1), torch.full((4, 3), 1 / 3, dtype=torch.float64))


# 9. It learns: after a tiny meta-training it beats its untrained self, which is at chance.


def hidden_direction(seed: int) -> Task:
    """Four classes told apart by two numbers that eight far louder ones drown; 2 shots, 5 queries of each class."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(4, 2, generator=generator)
    label = torch.arange(4).repeat(7)
    signal = 3 * centres[label] + 0.5 * torch.randn(28, 2, generator=generator)
    x = torch.cat([signal, 20 * torch.randn(28, 8, generator=generator)], 1) / 10
    return Task(Support.of(x[:8], label[:8]), x[8:], label[8:])


@pytest.mark.parametrize("name", LEARNERS)
def test_meta_training_helps(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        learner = create(name, MLP([10, 32, 16]))
    optimizer = torch.optim.Adam(learner.parameters(), lr=OUTER_RATE.get(name, 1e-2))
    unseen = stack([hidden_direction(10_000 + i) for i in range(200)])

    def accuracy() -> float:
        with torch.no_grad():
            scores = vmap(lambda t: learner(t.support, t.query))(unseen)
        return float((scores.argmax(-1) == unseen.target).double().mean())

    untrained = accuracy()
    engine = Engine(learner, Strategy("vmap"))
    steps = OUTER_STEPS.get(name, 120)
    for step in range(steps):
        batch = [hidden_direction(8 * step + i) for i in range(8)]
        learner.progress = step / steps
        engine.gradients(batch)
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 10.0)  # as `fit` does
        optimizer.step()
    assert untrained < 0.25 + 0.12
    assert accuracy() > untrained + 0.2
