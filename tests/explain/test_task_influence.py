"""Training tasks behind a prediction: retraining by the normal equations, finite training runs, planted bad tasks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from tiny import case
from torch import Tensor, nn

from cases import CASES, Case
from fewsight.errors import ExplanationError
from fewsight.experience import Experience, bend, meta_gradient, sketch, trainable
from fewsight.experience.gradients import gradient
from fewsight.explain.curvature import Curvature, conjugate_gradients
from fewsight.explain.target import parse, value
from fewsight.explain.task_influence import leave_one_task_out, task_influence, task_newton
from fewsight.learner import Learner, task_loss
from fewsight.learners import MAML
from fewsight.task import Support, Task

RATE, FEATURES = 0.1, 3


def planes(count: int, seed: int = 0, shots: int = 5, queries: int = 6) -> list[Task]:
    """Linear regression tasks around one plane."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    tasks = []
    for index in range(count):
        x, slope = draw(shots + queries, FEATURES), 1 + 0.5 * draw(FEATURES, 1)
        y = x @ slope + 0.1 * draw(shots + queries, 1)
        tasks.append(Task(Support.of(x[:shots], y[:shots]), x[shots:], y[shots:], name=f"plane {index}"))
    return tasks


def linear_maml() -> MAML:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MAML(nn.Linear(FEATURES, 1), head=None, inner_steps=1, inner_lr=RATE).double().eval()


def design(x: Tensor) -> np.ndarray:
    return np.column_stack([x.numpy(), np.ones(len(x))])


def adapted(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """B, c with theta' = B theta + c after one inner step on the mean squared error, written out by hand."""
    x, y = design(task.support.x), task.support.y.numpy()
    size = len(x)
    return np.eye(x.shape[1]) - 2 * RATE / size * x.T @ x, 2 * RATE / size * x.T @ y


def retrained(tasks: list[Task]) -> np.ndarray:
    """The minimum of the mean query loss over tasks by its normal equations, `(features + 1, 1)`."""
    left, right = 0.0, 0.0
    for task in tasks:
        b, c = adapted(task)
        query, target = design(task.query), task.target.numpy()
        left = left + (query @ b).T @ (query @ b) / len(query)
        right = right + (query @ b).T @ (target - query @ c) / len(query)
    return np.linalg.solve(left, right)


def answer(theta: np.ndarray, asked: Task) -> float:
    b, c = adapted(asked)
    return float((design(asked.query[:1]) @ (b @ theta + c))[0, 0])


def put(learner: MAML, theta: np.ndarray) -> None:
    with torch.no_grad():
        learner.network.weight.copy_(torch.from_numpy(theta[:-1].T))  # type: ignore[union-attr, operator, arg-type]
        learner.network.bias.copy_(torch.from_numpy(theta[-1]))  # type: ignore[union-attr, operator, arg-type]


@pytest.mark.parametrize("settled", [True, False])
def test_leaving_a_task_out_is_training_again_without_it(settled: bool) -> None:
    """One Newton step from the optimum, or from anywhere, against solving the normal equations of the others."""
    learner, tasks, asked = linear_maml(), planes(8), planes(1, seed=9)[0]
    if settled:
        put(learner, retrained(tasks))
    found = leave_one_task_out(case(learner, asked.support, asked.query[:1]), Experience.of(learner, tasks))
    full = answer(retrained(tasks), asked)
    expected = [full - answer(retrained([t for t in tasks if t is not out]), asked) for out in tasks]
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-10)
    assert np.abs(expected).max() > 1e-3
    assert found.trusted
    assert found.players == tuple(f"plane {i}" for i in range(8))


def penalised(tasks: list[Task], start: np.ndarray, reach: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The minimum of sum_i weight_i L_i / M + (theta - start)' diag(1 / reach) (theta - start) / 2."""
    left, right = np.diag(1 / reach), np.diag(1 / reach) @ start
    for task, share in zip(tasks, 2 * weight / len(tasks), strict=True):
        b, c = adapted(task)
        query, target = design(task.query), task.target.numpy()
        left = left + share * (query @ b).T @ (query @ b) / len(query)
        right = right + share * (query @ b).T @ (target - query @ c) / len(query)
    return np.linalg.solve(left, right)


@pytest.mark.parametrize("far", [1e-3, 1.0, 1e3])
def test_influences_are_derivatives_of_the_penalised_optimum(far: float) -> None:
    """From sketches (all rows of the curvature fit in) and by conjugate gradients, against central differences."""
    learner, tasks, asked = linear_maml(), planes(8), planes(1, seed=9)[0]
    draw = np.random.default_rng(0)
    start, reach = draw.normal(size=(FEATURES + 1, 1)), far * draw.uniform(0.5, 2, FEATURES + 1)
    put(learner, penalised(tasks, start, reach, np.ones(8)))
    asking = case(learner, asked.support, asked.query[:1])
    experience = Experience.of(learner, tasks, reach=torch.from_numpy(reach), sketched=True)
    expected = []
    for i in range(8):
        ends = [penalised(tasks, start, reach, np.ones(8) + h * np.eye(8)[i]) for h in (1e-4, -1e-4)]
        expected.append((answer(ends[0], asked) - answer(ends[1], asked)) / 2e-4)
    size = np.abs(expected).max()
    np.testing.assert_allclose(task_influence(asking, experience).values / size, np.array(expected) / size, atol=1e-5)
    newton = task_newton(asking, experience, tolerance=1e-10)
    np.testing.assert_allclose(newton.values / size, np.array(expected) / size, atol=1e-5)
    assert newton.trusted


def test_without_a_limit_influences_rank_like_retraining() -> None:
    learner, tasks, asked = linear_maml(), planes(12), planes(1, seed=9)[0]
    put(learner, retrained(tasks))
    far = torch.full((FEATURES + 1,), 1e6, dtype=torch.float64)
    experience, asking = Experience.of(learner, tasks, reach=far), case(learner, asked.support, asked.query[:1])
    exact = leave_one_task_out(asking, experience).values
    for found in (task_newton(asking, experience, tolerance=1e-10), task_influence(asking, experience)):
        assert found.trusted
        assert np.corrcoef(found.values, exact)[0, 1] > 0.95


def test_influences_of_one_small_step_add_up_to_what_it_did() -> None:
    """Gradient descent at rates r: F(after) - F(before) is the sum over tasks, up to a share that falls as r does."""
    asked, errors = planes(1, seed=9)[0], []
    for rate in (1e-2, 1e-3):
        learner, tasks = linear_maml(), planes(5)
        before = float(learner(asked.support, asked.query[:1]).detach())
        descend(learner, tasks, rate, 1)
        asking = case(learner, asked.support, asked.query[:1])
        found = task_influence(asking, Experience.of(learner, tasks, reach=rate * torch.ones(FEATURES + 1)))
        change = float(learner(asked.support, asked.query[:1]).detach()) - before
        errors.append(abs(found.values.sum() - change) / abs(change))
    assert errors[1] < 0.15 * errors[0] < 0.15


def test_few_rows_of_the_curvature_are_right_on_average() -> None:
    """2 of the 6 rows of a task: the mean over seeds is G v, with an error that the spread over seeds explains."""
    learner, (task,) = linear_maml(), planes(1)
    omega = trainable(learner)
    vector = torch.randn(FEATURES + 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    exact = Curvature(learner, omega, [task])(vector)
    rows = [bend(learner, omega, task, 2, seed) for seed in range(400)]
    found = torch.stack([a.T @ (a @ vector) for a in rows])
    assert ((found.mean(0) - exact).abs() < 4 * found.std(0) / 20).all()
    assert float(found.std(0).norm() / exact.norm()) > 0.1, "two rows are not the whole"


def test_a_curved_meta_loss_is_not_passed_off_as_exact() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = nn.Sequential(nn.Linear(FEATURES, 2), nn.Tanh(), nn.Linear(2, 1))
        learner = MAML(network, head=None, inner_steps=1, inner_lr=RATE).double().eval()
    tasks, asked = planes(4), planes(1, seed=9)[0]
    found = leave_one_task_out(case(learner, asked.support, asked.query[:1]), Experience.of(learner, tasks))
    assert not found.trusted
    assert "slope left" in found.failures[0]


def descend(learner: MAML, tasks: list[Task], rate: float, steps: int) -> None:
    """Plain gradient descent on the mean meta-loss."""
    for _ in range(steps):
        slope = torch.stack([meta_gradient(learner, trainable(learner), task) for task in tasks]).mean(0)
        with torch.no_grad():
            for parameter, part in zip(
                learner.parameters(), slope.split([p.numel() for p in learner.parameters()]), strict=True
            ):
                parameter -= rate * part.view_as(parameter)


def test_corrupted_training_tasks_are_found() -> None:
    """A third of 24 tasks has the sign of its queries flipped: having them raises the loss of clean tasks."""
    generator = torch.Generator().manual_seed(5)
    tasks = planes(24, seed=3)
    bad = torch.randperm(24, generator=generator)[:8].tolist()
    tasks = [replace(task, target=-task.target) if i in bad else task for i, task in enumerate(tasks)]
    learner = linear_maml()
    descend(learner, tasks, 0.05, 10)
    experience = Experience.of(learner, tasks, reach=0.5 * torch.ones(FEATURES + 1))
    scores = {"task_influence": np.zeros(24), "task_newton": np.zeros(24)}
    for asked in planes(4, seed=11):
        for query in range(2):
            target = ("loss", asked.target[query].tolist())
            asking = case(learner, asked.support, asked.query[query : query + 1], target)
            scores["task_influence"] += task_influence(asking, experience).values
            scores["task_newton"] += task_newton(asking, experience).values
    corrupt = np.isin(np.arange(24), bad)
    for name, score in scores.items():
        assert roc_auc_score(corrupt, score) >= 0.95, name


def test_sketches_keep_inner_products() -> None:
    """Unbiased, with the variance of the paper: (|a|^2 |b|^2 + (ab)^2 - 2 sum a^2 b^2) / width."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 5000, dtype=torch.float64, generator=generator)
    b = b + 0.5 * a
    found = torch.stack([sketch(a, seed, 256) @ sketch(b, seed, 256) for seed in range(300)])
    variance = (a @ a * (b @ b) + (a @ b) ** 2 - 2 * (a * b).square().sum()) / 256
    assert abs(found.mean() - a @ b) < 4 * (variance / 300).sqrt()
    assert 0.75 < float(found.var() / variance) < 1.3
    assert torch.equal(sketch(a[:256], 0, 256), a[:256])
    both = sketch(torch.stack([a, b]), 3, 256)
    torch.testing.assert_close(both[1], sketch(b, 3, 256))


def test_without_the_tasks_sketches_answer() -> None:
    learner, tasks, asked = linear_maml(), planes(4), planes(1, seed=9)[0]
    asking = case(learner, asked.support, asked.query[:1])
    experience = Experience.of(learner, tasks, sketched=True)
    known = task_influence(asking, replace(experience, sketches=None)).values
    left = experience.without_tasks()
    np.testing.assert_array_equal(task_influence(asking, left).values, known)
    with pytest.raises(ExplanationError, match="tasks themselves"):
        task_newton(asking, left)
    with pytest.raises(ExplanationError, match="neither the tasks nor sketches"):
        task_influence(asking, replace(left, sketches=None))


VECTORS = [each for each in CASES if each.input_kind == "vectors"]


@pytest.mark.parametrize("each", VECTORS, ids=str)
def test_the_gradient_in_omega_is_that_of_the_prediction(each: Case) -> None:
    """For every learner: central differences of F along a random direction, and nothing in the learner changes."""
    learner, task = each.learner().eval(), each.task()
    query = task.query[:1]
    aim = value(0) if task.support.ways is None else parse("c0", task.support, learner(task.support, query)[0].detach())
    before = {name: item.clone() for name, item in learner.state_dict().items()}

    def measure(learner: Learner) -> Tensor:
        return aim(learner(task.support, query)[0])

    omega = trainable(learner)
    slope = gradient(learner, omega, measure)
    generator = torch.Generator().manual_seed(0)
    way = {name: torch.randn(item.shape, dtype=item.dtype, generator=generator) for name, item in omega.items()}
    h, ends = 1e-6, []
    for sign in (1, -1):
        with torch.no_grad():
            for name, item in learner.named_parameters():
                item += sign * h * way[name]
            ends.append(float(measure(learner)))
            for name, item in learner.named_parameters():
                item.copy_(before[name])
    expected = (ends[0] - ends[1]) / (2 * h)
    along = float(slope @ torch.cat([way[name].reshape(-1) for name in omega]))
    assert along == pytest.approx(expected, rel=1e-4, abs=1e-6)
    asking = replace(case(learner, task.support, query), target=aim)
    found = task_influence(asking, Experience.of(learner, [each.task(1), each.task(2)]))
    assert np.isfinite(found.values).all()
    assert all(torch.equal(before[name], item) for name, item in learner.state_dict().items())


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_gauss_newton_products_and_all_rows_are_j_h_j(kind: str) -> None:
    """Against the explicit matrix: J by rows, H = 2/(Qd) for squared error and (diag p - p p')/Q for cross-entropy."""
    each = next(c for c in VECTORS if c.learner_name == "maml" and c.task_kind == kind)
    learner, task = each.learner().eval(), each.task()
    omega = trainable(learner)
    scores = learner(task.support, task.query).detach()
    rows, (queries, outputs) = [], scores.shape
    for q in range(queries):
        for n in range(outputs):
            rows.append(gradient(learner, omega, lambda learner, q=q, n=n: learner(task.support, task.query)[q, n]))
    jacobian = torch.stack(rows)
    if kind == "regression":
        hessian = 2 / (queries * outputs) * torch.eye(queries * outputs, dtype=torch.float64)
    else:
        p = scores.softmax(-1)
        hessian = torch.block_diag(*(torch.diag(each) - torch.outer(each, each) for each in p)) / queries
    vector = torch.randn(jacobian.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = Curvature(learner, omega, [task])(vector)
    torch.testing.assert_close(found, jacobian.T @ (hessian @ (jacobian @ vector)))
    all_rows = bend(learner, omega, task, queries * outputs + 1)
    torch.testing.assert_close(all_rows.T @ (all_rows @ vector), found)
    assert not all_rows[-1].any(), "one more than there are"
    assert float(task_loss(scores, task)) > 0


def test_conjugate_gradients_solve() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(6, 6, dtype=torch.float64, generator=generator)
    matrix, b = root @ root.T + torch.eye(6), torch.randn(6, dtype=torch.float64, generator=generator)
    solved = conjugate_gradients(lambda v: matrix @ v, b, tolerance=1e-12)
    torch.testing.assert_close(solved.x, torch.linalg.solve(matrix, b))
    assert solved.iterations <= 7
    short = conjugate_gradients(lambda v: matrix @ v, b, iterations=2)
    assert short.residual == pytest.approx(float((matrix @ short.x - b).norm() / b.norm()), rel=1e-6)
    assert conjugate_gradients(lambda v: matrix @ v, torch.zeros_like(b)).residual == 0
