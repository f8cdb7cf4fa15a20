"""Differentiating an inner loop: attention with a second derivative, losses that do not move."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewsight.domains.episodes import Episodes
from fewsight.errors import LearnerError
from fewsight.explain.curvature import Curvature
from fewsight.inner import FastMAML, sgd
from fewsight.inner.problems import Problems, reached
from fewsight.learners import MAML, ProtoNet
from fewsight.learners.gradient.outer import OUTER
from fewsight.task import Support, Task
from fewsight.training import fit
from fewsight.training.engine import Engine, Strategy


class Transformer(nn.Module):
    """Two tokens of four numbers through torch's own encoder layer, which uses fused attention."""

    out_features = 8

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, activation="gelu", batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.unflatten(1, (2, 4))).flatten(1)


class Detached(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).detach()


def task() -> Task:
    x = torch.randn(11, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return Task(Support.of(x[:6], list("aabbcc")), x[6:], torch.tensor([0, 1, 2, 0, 1]))


def test_the_meta_gradient_through_attention_agrees_with_finite_differences() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        learner = MAML(Transformer(), inner_steps=2, inner_lr=0.1).double()
    names = ["network.layer.self_attn.in_proj_weight", "network.layer.linear1.weight"]
    omega = {name: p.detach() for name, p in learner.named_parameters()}

    def loss(*moved: Tensor) -> Tensor:
        support, query = task().support, task().query
        scores = functional_call(learner, omega | dict(zip(names, moved, strict=True)), (support, query))
        return nn.functional.cross_entropy(scores, task().target)

    leaves = [omega[name].clone().requires_grad_() for name in names]
    assert torch.autograd.gradcheck(loss, leaves, fast_mode=True)


def test_loops_by_hand_differentiate_attention_twice() -> None:
    network = Transformer().double()
    maml = FastMAML(network, lr=0.1)
    fast = maml.clone()
    fast.adapt(fast(task().support.x).square().mean())
    fast(task().query).square().mean().backward()
    gradient = network.layer.self_attn.in_proj_weight.grad
    assert gradient is not None
    assert bool(torch.isfinite(gradient).all())


def test_products_with_the_curvature_go_through_attention() -> None:
    """J' H J is symmetric, which needs the derivative of J' u."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        learner = ProtoNet(Transformer()).double()
    omega = {name: p.detach() for name, p in learner.named_parameters()}
    product = Curvature(learner, omega, [task()])
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.randn(product.size, dtype=torch.float64, generator=generator) for _ in range(2))
    bent = product(a)
    torch.testing.assert_close(b @ bent, a @ product(b))
    assert a @ bent > 0


def test_that_attention_is_switched_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    class Same:
        def draw(self, rng: np.random.Generator) -> Task:
            return task().to(torch.float32)

    train = Episodes(Same(), 0, "train")
    for network, said in ((Transformer(), True), (nn.Sequential(nn.Linear(8, 8)), False)):
        fit(MAML(network, features=8, inner_steps=1), train, steps=1, meta_batch=1, strategy="loop", progress=True)
        assert ("matrix-product kernel inside the inner loop" in "".join(capsys.readouterr())) == said


@pytest.mark.parametrize("checkpoint_steps", [False, True])
@pytest.mark.parametrize("outer", OUTER)
def test_an_inner_loss_that_does_not_depend_on_what_adapts_is_refused(outer: str, checkpoint_steps: bool) -> None:
    learner = MAML(
        Detached(8, 8),
        features=8,
        head="prototype",
        adapt=["network.*"],
        outer=outer,
        proximal=0.5,
        checkpoint_steps=checkpoint_steps,
    ).double()
    for strategy in ("loop", "vmap"):
        if strategy == "vmap" and checkpoint_steps:
            continue  # checkpoints are not vectorised
        with pytest.raises(LearnerError, match="does not depend on the parameters"):
            Engine(learner, Strategy(strategy)).gradients([task()])


def test_problems_that_do_not_depend_on_what_is_optimized_are_refused() -> None:
    problems = Problems({"theta": torch.zeros(3, 2)}, lambda parameters, step=None: torch.ones(3))
    with pytest.raises(LearnerError, match="does not depend on the parameters"):
        reached(sgd(0.1), problems, 2)


def test_a_meta_loss_that_does_not_depend_on_the_parameters_is_refused() -> None:
    class Frozen(MAML):
        def forward(self, support: Support, query: Tensor) -> Tensor:
            return super().forward(support, query).detach()

    engine = Engine(Frozen(nn.Linear(8, 8)).double(), Strategy("loop"))
    with pytest.raises(LearnerError, match="does not depend on the parameters"):
        engine.gradients([task()])
