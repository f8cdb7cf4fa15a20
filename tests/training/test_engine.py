"""All strategies compute the same meta-gradient; the choice is measured and told."""

from __future__ import annotations

from statistics import median

import pytest
import torch

from fewsight.errors import RecipeError
from fewsight.learner import Learner
from fewsight.learners import create
from fewsight.networks import MLP, Conv4
from fewsight.task import Support, Task
from fewsight.training.choice import choose
from fewsight.training.engine import STRATEGIES, Engine, Strategy


def image_task(seed: int, ways: int = 3, shots: int = 1) -> Task:
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(ways).repeat_interleave(shots)
    x = torch.rand(ways * (shots + 2), 1, 16, 16, generator=generator)
    return Task(Support.of(x[: ways * shots], label), x[ways * shots :], torch.arange(ways).repeat(2))


def row_task(seed: int) -> Task:
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(seed))
    return Task(Support.of(x[:8], x[:8, :1].sin()), x[8:], x[8:, :1].sin())


def learner_and_tasks(name: str, kind: str, seed: int = 0) -> tuple[Learner, list[Task]]:
    torch.manual_seed(seed)
    if kind == "images":
        first = 3 * seed
        tasks = [image_task(first), image_task(first + 1, ways=2), image_task(first + 2, shots=2)]  # unequal
        return create(name, Conv4(hidden=8, size=(16, 16), norm="task")), tasks
    return create(name, MLP([4, 16, 8]), 1, inner_lr=0.05), [row_task(seed) for seed in range(4)]


def gradient(learner: Learner, strategy: str, tasks: list[Task]) -> tuple[torch.Tensor, float]:
    result = Engine(learner, Strategy.parse(strategy)).gradients(tasks)
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in learner.parameters()]
    return torch.cat([g.flatten() for g in gradients]), result.loss


LEARNERS = [("maml", "rows"), ("maml", "images"), ("fomaml", "rows"), ("protonet", "images"), ("matching", "images")]


@pytest.mark.parametrize(("name", "kind"), LEARNERS)
@pytest.mark.parametrize("strategy", ["vmap", "trace", "loop+channels_last"])
def test_strategies_agree(name: str, kind: str, strategy: str) -> None:
    learner, tasks = learner_and_tasks(name, kind)
    expected, loss = gradient(learner, "loop", tasks)
    found, same_loss = gradient(learner, strategy, tasks)
    assert (found - expected).norm() <= 2e-4 * expected.norm()
    assert same_loss == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
def test_bfloat16_agrees_within_its_precision(name: str) -> None:
    """Off by no more than a few times what rounding the parameters alone does to the exact gradient.

    How far one network is off is a matter of chance (its steps on images of noise are large): medians of fifteen.
    """
    losses, gradients = [], []
    for seed in range(15):
        learner, tasks = learner_and_tasks(name, "images", seed)
        expected, loss = gradient(learner, "loop", tasks)
        found, similar_loss = gradient(learner, "loop+channels_last+bf16", tasks)
        for parameter in learner.parameters():
            parameter.data = parameter.data.bfloat16().float()
        rounded, _ = gradient(learner, "loop", tasks)
        gradients.append(float((found - expected).norm() / (rounded - expected).norm()))
        losses.append(abs(similar_loss - loss) / loss)
    assert median(gradients) <= 10
    assert median(losses) <= 0.05


def test_a_compiled_strategy_agrees() -> None:
    torch.manual_seed(0)
    learner, tasks = create("maml", MLP([4, 6]), 1, inner_lr=0.05, inner_steps=1), [row_task(0), row_task(1)]
    expected, _ = gradient(learner, "loop", tasks)
    found, _ = gradient(learner, "compile", tasks)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_a_recorded_graph_follows_new_parameters_and_new_shapes() -> None:
    learner, tasks = learner_and_tasks("maml", "rows")
    engine = Engine(learner, Strategy.parse("trace"))
    engine.gradients(tasks)
    for parameter in learner.parameters():
        parameter.data *= 0.5
    replayed = engine.gradients(tasks).loss
    assert replayed == pytest.approx(gradient(learner, "loop", tasks)[1], rel=1e-5)
    assert engine.gradients(tasks[:2]).loss == pytest.approx(gradient(learner, "loop", tasks[:2])[1], rel=1e-5)


def test_choosing_measures_reports_and_leaves_the_learner_alone() -> None:
    learner, tasks = learner_and_tasks("maml", "images")
    before = [parameter.detach().clone() for parameter in learner.parameters()]
    choice = choose(learner, tasks, repeats=1)
    assert str(choice.strategy) == min(choice.seconds, key=choice.seconds.__getitem__)
    assert {"loop", "vmap", "trace", "loop+channels_last", "loop+channels_last+bf16"} <= set(choice.seconds)
    assert "compile" in choice.left_out
    assert str(choice.strategy) in str(choice)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in learner.parameters())


def test_names_parse_back_and_unknown_ones_are_told() -> None:
    assert all(str(Strategy.parse(name)) == name for name in STRATEGIES)
    with pytest.raises(RecipeError, match="unknown strategy 'vmp'; did you mean 'vmap'"):
        Strategy.parse("vmp")
