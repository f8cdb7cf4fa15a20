"""Attribution to the inputs of the support: derivatives, completeness, and whole tasks instead of stacked examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch

import cases
from fewsight import tree
from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.support_inputs import support_gradients, support_integrated_gradients, support_occlusion

LEARNERS = ["protonet", "matching", "ridge", "maml", "anil", "leo"]


def value(case: Case, x: tree.Tree) -> float:
    with torch.no_grad():
        return case.target(case.learner(replace(case.support, x=x), case.query)[0].double()).item()


@pytest.mark.parametrize("name", LEARNERS)
def test_gradients_are_those_of_adapting_again(name: str) -> None:
    case = tiny.case(tiny.learner(name), tiny.support())
    found, x, step = support_gradients(case), case.support.x, 1e-5
    assert found.value == pytest.approx(value(case, x), abs=1e-12)
    for i, j in [(0, 0), (3, 2), (5, 3)]:
        nudge = torch.zeros_like(x)
        nudge[i, j] = step
        slope = (value(case, x + nudge) - value(case, x - nudge)) / (2 * step)
        assert found.values[i, j] == pytest.approx(slope * x[i, j].item(), abs=1e-7)


@pytest.mark.parametrize("name", LEARNERS[:-1])
@pytest.mark.parametrize("examples", [None, [2]])
def test_integrated_gradients_add_up_to_the_change(name: str, examples: list[int] | None) -> None:
    case = tiny.case(tiny.learner(name), tiny.support(), target=("contrast", "a", "b"))
    found = support_integrated_gradients(case, examples, bound=1e-6)
    alike = case.support.x.clone()
    alike[slice(None) if examples is None else examples] = alike.mean(0)
    assert found.values.sum() == pytest.approx(value(case, case.support.x) - value(case, alike), abs=1e-6)
    assert found.values.shape == ((6, 4) if examples is None else (1, 4))
    assert found.values.size == len(found.players)
    assert found.complete


def test_trap_1_interpolation_steps_are_tasks_not_examples() -> None:
    """Stacked on the dimension of the examples, the very same steps adapt on 96 examples and do not add up."""
    case = tiny.case(tiny.learner("maml"), tiny.support())
    x, points = case.support.x, torch.linspace(1 / 32, 31 / 32, 16, dtype=torch.float64)
    stacked = (points[:, None, None] * x).reshape(-1, 4).requires_grad_()
    many = case.support.take(torch.arange(6).repeat(16))
    case.target(case.learner(replace(many, x=stacked), case.query)[0]).backward()
    assert stacked.grad is not None
    naive = (x * stacked.grad.reshape(16, 6, 4).mean(0)).sum().item()
    empty = torch.zeros_like(x)
    true = value(case, x) - value(case, empty)
    assert abs(naive - true) > 0.3 * abs(true)
    assert support_integrated_gradients(case, baseline=empty).values.sum() == pytest.approx(true, abs=1e-4)


def test_a_support_whose_examples_all_look_alike_tells_nothing() -> None:
    for name in LEARNERS[:-1]:
        found = support_integrated_gradients(
            tiny.case(tiny.learner(name), tiny.support(), target=("contrast", "a", "b"))
        )
        assert found.baseline == pytest.approx(0, abs=1e-9), name


def test_baselines() -> None:
    case = tiny.case(tiny.learner("ridge"), tiny.support())
    x = case.support.x
    mean = x.mean(0, keepdim=True)
    for given, place in ((mean, mean.expand_as(x)), (x.flip(0), x.flip(0))):
        found = support_integrated_gradients(case, baseline=given)
        assert found.baseline == pytest.approx(value(case, place), abs=1e-12)
        assert found.complete
    unmoved = support_integrated_gradients(case, baseline=x)
    assert (unmoved.values == 0).all()
    with pytest.raises(ExplanationError, match="3 inputs for 6 examples"):
        support_integrated_gradients(case, baseline=x[:3])


@pytest.mark.parametrize("kind", ["images", "rows", "sequences", "graphs"])
def test_every_input_with_numbers_adds_up(kind: str) -> None:
    for name in ("protonet",) if kind == "images" else ("protonet", "maml"):
        made = cases.Case(name, kind, "classification")
        task = made.task(shots=(2, 2))
        case = tiny.case(made.learner(), task.support, tree.take(task.query, slice(0, 1)))
        found = support_integrated_gradients(case, panels=32, bound=5e-2 if kind == "images" else 1e-3)
        assert found.complete, (name, found.residual)
        assert abs(found.value - (found.baseline or 0.0)) > 1e-6


@pytest.mark.parametrize("kind", ["images", "rows", "tokens", "sequences"])
def test_occlusion_hides_one_part_of_one_example(kind: str) -> None:
    made = cases.Case("protonet", kind, "classification")
    task = made.task(shots=(2, 2))
    case = tiny.case(made.learner(), task.support, tree.take(task.query, slice(0, 1)))
    found = support_occlusion(case, patch=4 if kind == "images" else None)
    x = tree.tree_map(torch.clone, case.support.x)
    index: tuple[int, ...]
    if kind == "images":
        x[2, :, 4:, :4] = 0.0
        index = (2, 1, 0)
        assert found.values.shape == (4, 2, 2)
    elif kind == "rows":
        j = int((~x[2].isnan()).nonzero()[0])
        x[2, j] = 0.0
        index = (2, j)
    else:
        x["mask"][2, 1] = False
        index = (2, 1)
    assert found.values[index] == pytest.approx(found.value - value(case, x), abs=1e-10)
    assert found.values[index] != 0
    assert found.values.size == len(found.players)


def test_what_is_masked_already_has_no_part() -> None:
    made = cases.Case("protonet", "tokens", "classification")
    task = made.task(shots=(2, 2))
    case = tiny.case(made.learner(), task.support, tree.take(task.query, slice(0, 1)))
    found = support_occlusion(case)
    assert (found.values[~task.support.x["mask"].numpy()] == 0).all()


def test_what_does_not_add_up_says_so() -> None:
    """LEO's inner gradient passes ReLU units, so its prediction jumps as the support moves."""
    case = tiny.case(tiny.learner("leo"), tiny.support(), target=("contrast", "a", "b"))
    found = support_integrated_gradients(case, bound=1e-6)
    assert not found.complete
    assert "jumps" in found.notes[0]
    assert str(found).startswith("NOT TO BE TRUSTED")


def test_only_chosen_examples_are_hidden() -> None:
    case = tiny.case(tiny.learner("maml"), tiny.support())
    everything, some = support_occlusion(case), support_occlusion(case, [4, 1])
    np.testing.assert_allclose(some.values, everything.values[[4, 1]], atol=1e-12)
    assert some.players[0].startswith("support 4")


def test_tokens_have_no_numbers_to_differentiate() -> None:
    made = cases.Case("protonet", "tokens", "classification")
    task = made.task(shots=(2, 2))
    case = tiny.case(made.learner(), task.support, tree.take(task.query, slice(0, 1)))
    with pytest.raises(ExplanationError, match="no floating-point numbers"):
        support_gradients(case)
