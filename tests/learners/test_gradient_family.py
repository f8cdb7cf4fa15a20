"""Each choice of the gradient-based family against a closed form, an identity or an independent computation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from cases import regression
from fewsight.errors import LearnerError
from fewsight.inner import MetaLSTM, adam
from fewsight.inner.learned import preprocess
from fewsight.learner import task_loss
from fewsight.learners import MAML, create
from fewsight.learners.gradient.implicit import conjugate_gradients
from fewsight.learners.gradient.outer import OUTER
from fewsight.networks import MLP
from fewsight.task import Support, Task
from fewsight.training.engine import Engine, Strategy


def classes(seed: int = 0) -> Task:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(12, 3, dtype=torch.float64, generator=generator)
    label = torch.arange(3).repeat(4)
    return Task(Support.of(x[:6], label[:6]), x[6:], label[6:])


def body() -> MLP:
    torch.manual_seed(0)
    return MLP([3, 8, 4], "tanh").double()


def meta_gradient(learner: MAML, task: Task) -> dict[str, Tensor]:
    parameters = dict(learner.named_parameters())
    found = torch.autograd.grad(learner.meta_loss(task)[0], list(parameters.values()), materialize_grads=True)
    return dict(zip(parameters, found, strict=True))


def test_implicit_gradient_is_that_of_the_solved_problem() -> None:
    """theta* of ridge regression around theta_0 is linear in theta_0: its derivative is known."""
    task, penalty = regression(), 0.5
    torch.manual_seed(0)
    network = nn.Linear(3, 2).double()
    learner = MAML(network, head=None, inner_steps=300, inner_lr=0.3, outer="implicit", proximal=penalty)
    found = meta_gradient(learner, task)
    x = torch.cat([task.support.x, torch.ones(6, 1, dtype=torch.float64)], 1)
    start = torch.cat([network.weight, network.bias[:, None]], 1).detach().requires_grad_()
    system = x.T @ x / 6 + penalty * torch.eye(
        4, dtype=torch.float64
    )  # mean over 6 examples and 2 outputs, times 2 / 2
    solution = torch.linalg.solve(system, x.T @ task.support.y / 6 + penalty * start.T)
    query = torch.cat([task.query, torch.ones(10, 1, dtype=torch.float64)], 1)
    torch.testing.assert_close(learner(task.support, task.query), query @ solution, rtol=1e-9, atol=1e-9)
    (exact,) = torch.autograd.grad(task_loss(query @ solution, task), start)
    torch.testing.assert_close(found["network.weight"], exact[:, :3], rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(found["network.bias"], exact[:, 3], rtol=1e-8, atol=1e-10)


def test_implicit_gradient_agrees_with_unrolling_to_the_end() -> None:
    settings = {"inner_steps": 400, "inner_lr": 0.2, "proximal": 1.0}
    unrolled, implicit = (MAML(body(), **settings, outer=outer).double() for outer in ("unrolled", "implicit"))
    for learner in (unrolled, implicit):
        with torch.no_grad():
            learner.head.weight.copy_(torch.linspace(-1, 1, 4))
    exact, found = meta_gradient(unrolled, classes()), meta_gradient(implicit, classes())
    for name, value in exact.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-7)


def test_conjugate_gradients_solve() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(5, 5, dtype=torch.float64, generator=generator)
    matrix, target = root @ root.T + torch.eye(5), torch.randn(5, dtype=torch.float64, generator=generator)
    found = conjugate_gradients(lambda v: {"x": matrix @ v["x"]}, {"x": target}, {"x": target}, 5)
    torch.testing.assert_close(found["x"], torch.linalg.solve(matrix, target))


def test_conjugate_gradients_stay_where_there_is_no_minimum() -> None:
    start = {"x": torch.tensor([1.0, 1.0])}
    assert conjugate_gradients(lambda v: {"x": -v["x"]}, {"x": torch.ones(2)}, start, 5)["x"].equal(start["x"])


def test_implicit_gradients_of_many_tasks_are_those_of_each() -> None:
    learner = MAML(body(), inner_steps=5, inner_lr=0.2, features=4, proximal=1.0, outer="implicit").double()
    tasks, expected = [classes(seed) for seed in range(3)], []
    for strategy in ("loop", "vmap", "trace"):
        Engine(learner, Strategy(strategy)).gradients(tasks)
        expected.append(torch.cat([p.grad.flatten() for p in learner.parameters() if p.grad is not None]))
    torch.testing.assert_close(expected[1], expected[0])
    torch.testing.assert_close(expected[2], expected[0])


@pytest.mark.parametrize("outer", ["unrolled", "implicit", "first_order"])
def test_the_graph_grows_with_inner_steps_only_where_they_are_unrolled(outer: str) -> None:
    def size(inner_steps: int) -> int:
        learner = MAML(body(), features=4, inner_steps=inner_steps, proximal=0.5, outer=outer).double()
        waiting, seen = [learner.meta_loss(classes())[0].grad_fn], set()
        while waiting:
            node = waiting.pop()
            if node is not None and node not in seen:
                seen.add(node)
                waiting += [before for before, _ in node.next_functions]
        return len(seen)

    few, many = size(2), size(12)
    # First-order steps add the differences that they take; what they computed to find them is gone.
    assert {"unrolled": many > 4 * few, "implicit": many == few, "first_order": many < 3 * few}[outer]


def test_meta_lstm_takes_the_steps_of_its_equations() -> None:
    torch.manual_seed(0)
    rule = MetaLSTM(0.1, hidden=5).double()
    theta, h, c = torch.randn(4, 1).double(), torch.zeros(4, 5).double(), torch.zeros(4, 5).double()
    keep = take = torch.ones(4, 1).double()
    moved, state = {"p": theta.reshape(2, 2)}, rule.init({"p": theta.reshape(2, 2)})
    reference, gates = nn.LSTMCell(2, 5).double(), rule.cell.gates
    own = [gates.weight[:, :2], gates.weight[:, 2:], gates.bias, 0 * gates.bias]
    reference.load_state_dict(dict(zip(reference.state_dict(), own, strict=True)))
    for _ in range(3):
        gradient = torch.randn(4, 1).double()
        moved, state = rule.update({"p": gradient.reshape(2, 2)}, state, moved)
        h, c = reference(preprocess(gradient.squeeze(-1)), (h, c))
        keep = rule.forget(torch.cat([h, theta, keep], -1)).sigmoid()
        take = 2 * rule.input(torch.cat([h, theta, take], -1)).sigmoid()
        theta = keep * theta - 0.1 * take * gradient
        torch.testing.assert_close(moved["p"].reshape(-1, 1), theta)


def test_reptile_gradient_is_the_way_of_the_inner_loop() -> None:
    task = regression()
    learner = MAML(body(), head=2, inner_steps=4, inner_lr=0.1, outer="reptile").double()
    gradient = meta_gradient(learner, task)
    queries = Support.of(task.query, task.target)
    theta = {name: p.detach().clone().requires_grad_() for name, p in learner.named_parameters()}
    for batch in (task.support, queries, task.support, queries):
        features = torch.func.functional_call(learner.network, _body(theta), (batch.x,))
        scores = features @ theta["head.weight"].T + theta["head.bias"]
        loss = (scores - batch.y).square().mean()
        for name, g in zip(theta, torch.autograd.grad(loss, list(theta.values())), strict=True):
            theta[name] = (theta[name] - 0.1 * g).detach().requires_grad_()
    for name, p in learner.named_parameters():
        torch.testing.assert_close(gradient[name], p.detach() - theta[name].detach(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(learner.meta_loss(task)[0], task_loss(learner(task.support, task.query), task))


def _body(theta: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("network."): value for name, value in theta.items() if name.startswith("network.")}


def test_meta_sgd_with_equal_rates_is_maml_and_its_rates_are_learned() -> None:
    task = classes()
    plain, learned = MAML(body(), inner_lr=0.3).double(), create("meta-sgd", body(), inner_lr=0.3).double()
    torch.testing.assert_close(plain(task.support, task.query), learned(task.support, task.query))
    gradient = meta_gradient(learned, task)
    rates = {name: g for name, g in gradient.items() if name.startswith("rates.")}
    assert {tuple(g.shape) for g in rates.values()} >= {(8, 3), (8,), (4,)}
    with torch.no_grad():
        for rate in learned.rates.parameters():
            rate.mul_(0.5)
    halved = MAML(body(), inner_lr=0.15).double()
    torch.testing.assert_close(halved(task.support, task.query), learned(task.support, task.query))


def test_layer_rates_are_for_each_tensor_and_step() -> None:
    task = classes()
    learner = MAML(body(), inner_lr=0.3, inner_steps=3, rates="layer").double()
    assert all(rate.shape == (3,) for rate in learner.rates.parameters())
    with torch.no_grad():
        for rate in learner.rates.parameters():
            rate[1:] = 0  # only the first step moves
    one = MAML(body(), inner_lr=0.3, inner_steps=1).double()
    torch.testing.assert_close(one(task.support, task.query), learner(task.support, task.query))


def test_multi_step_loss_goes_from_the_mean_to_the_last_step() -> None:
    task = classes()
    learner = create("maml++", body(), inner_lr=0.3, inner_steps=4).double()
    steps = [task_loss(model(task.query), task) for model in learner.trace(task.support).models()[1:]]
    learner.first_order_until = 0.0
    learner.progress = 0.0
    torch.testing.assert_close(learner.meta_loss(task)[0], torch.stack(steps).mean())
    learner.progress = 1.0
    torch.testing.assert_close(learner.meta_loss(task)[0], steps[-1])


def test_derivative_order_annealing_begins_first_order() -> None:
    task = classes()
    learner = MAML(body(), inner_lr=0.3, first_order_until=0.5).double()
    with torch.no_grad():
        learner.head.weight.copy_(torch.linspace(-1, 1, 4))
    gradients = {}
    for progress in (0.0, 1.0):
        learner.progress = progress
        gradients[progress] = meta_gradient(learner, task)["network.layers.0.weight"]
    stages = set()
    for progress in (0.0, 0.49, 0.5, 1.0):
        learner.progress = progress
        stages.add(learner.stage)
    assert len(stages) == 2
    assert (gradients[0.0] - gradients[1.0]).abs().max() > 1e-5


def test_anil_is_maml_with_a_still_body_and_boil_its_opposite() -> None:
    task = classes()
    anil, boil = (create(name, body(), inner_lr=0.3).double() for name in ("anil", "boil"))
    assert set(anil.adapt(task.support).state["theta"]) == {"head.weight", "head.bias"}
    features = anil.network(task.support.x)
    theta = {"weight": torch.zeros(3, 4, dtype=torch.float64), "bias": torch.zeros(3, dtype=torch.float64)}
    for _ in range(5):
        away = (features @ theta["weight"].T + theta["bias"]).softmax(-1) - task.support.one_hot
        theta = {
            "weight": theta["weight"] - 0.3 * away.T @ features / 6,
            "bias": theta["bias"] - 0.3 * away.mean(0),
        }
    scores = anil.network(task.query) @ theta["weight"].T + theta["bias"]
    torch.testing.assert_close(anil(task.support, task.query), scores)
    first, *_, last = (state["theta"] for state in boil.trace(task.support).states)
    assert torch.equal(first["head.weight"], last["head.weight"])
    assert not torch.equal(first["network.layers.0.weight"], last["network.layers.0.weight"])


def test_proto_maml_starts_as_a_prototype_classifier() -> None:
    task = classes()
    learner = create("proto-maml", body(), inner_steps=0).double()
    features, query = learner.network(task.support.x), learner.network(task.query)
    prototypes = torch.stack([features[task.support.y == c].mean(0) for c in range(3)])
    distances = -(query[:, None] - prototypes).square().sum(-1) / 4  # 4 features
    torch.testing.assert_close(learner(task.support, task.query).softmax(-1), distances.softmax(-1))


def test_cavia_adapts_a_context_that_starts_at_zero() -> None:
    task = classes()
    learner = create("cavia", body(), inner_lr=0.3).double()
    first, *_, last = (state["theta"] for state in learner.trace(task.support).states)
    assert set(last) == {"head.context"}
    assert not first["head.context"].any()
    assert last["head.context"].shape == (3, 32)
    assert not torch.equal(last["head.context"][0], last["head.context"][1])


@pytest.mark.parametrize("head", ["shared", "prototype", "context", 3])
@pytest.mark.parametrize("outer", OUTER)
def test_choices_combine_freely(outer: str, head: str | int) -> None:
    through_steps = outer not in ("implicit", "reptile")
    for optimizer in ("momentum", "adam", "tuned-adam", "meta-lstm", "lstm", adam(0.01)):
        for checkpoint_steps in (False, True):
            torch.manual_seed(0)
            learner = MAML(
                body(),
                head=head,
                features=4,
                inner_optimizer=optimizer,
                inner_lr=0.01,
                inner_steps=2,
                outer=outer,
                rates="layer",
                proximal=0.5,
                checkpoint_steps=checkpoint_steps,
            ).double()
            for parameter in learner.parameters():
                parameter.data += 0.1 * torch.randn_like(parameter)
            gradient = meta_gradient(learner, classes())
            assert all(torch.isfinite(g).all() for g in gradient.values())
            assert gradient["network.layers.0.weight"].any()
            learned = [g for name, g in gradient.items() if name.startswith(("rates.", "optimizer."))]
            assert any(g.any() for g in learned) == through_steps


def test_bad_choices_are_told() -> None:
    with pytest.raises(LearnerError, match="unknown outer gradient 'unroled'; did you mean 'unrolled'"):
        MAML(body(), features=4, outer="unroled")
    with pytest.raises(LearnerError, match="give proximal > 0"):
        MAML(body(), features=4, outer="implicit")
    frozen = body().requires_grad_(False)
    with pytest.raises(LearnerError, match=r"is frozen \(requires_grad=False\) but asked to adapt"):
        MAML(frozen, features=4)
    assert MAML(frozen, features=4, adapt=["head.*"]).adapted == {"head.weight", "head.bias"}
    with pytest.raises(LearnerError, match="unknown rates 'layers'; did you mean 'layer'"):
        MAML(body(), features=4, rates="layers")
