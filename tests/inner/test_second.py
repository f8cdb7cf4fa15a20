"""Differentiating an inner loop: attention with a second derivative, losses that do not move."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from fewsight.errors import LearnerError
from fewsight.inner import FastMAML
from fewsight.learners import MAML
from fewsight.task import Support, Task
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


def test_an_inner_loss_that_does_not_depend_on_what_adapts_is_refused() -> None:
    learner = MAML(Detached(8, 8).double(), adapt=["network.*"]).double()
    with pytest.raises(LearnerError, match="does not depend on the parameters"):
        learner(task().support, task().query)


def test_a_meta_loss_that_does_not_depend_on_the_parameters_is_refused() -> None:
    class Frozen(MAML):
        def forward(self, support: Support, query: Tensor) -> Tensor:
            return super().forward(support, query).detach()

    engine = Engine(Frozen(nn.Linear(8, 8)).double(), Strategy("loop"))
    with pytest.raises(LearnerError, match="does not depend on the parameters"):
        engine.gradients([task()])
