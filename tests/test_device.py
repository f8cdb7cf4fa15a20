"""Everything that a learner makes is made where its parameters are; random numbers are drawn under a seed there too.

No GPU is needed: the "meta" device carries shapes without numbers and refuses, as a GPU does, to be mixed with the
processor.
"""

from __future__ import annotations

import pytest
import torch

import cases
from fewsight import device
from fewsight.errors import RecipeError


@pytest.mark.parametrize("given", cases.CASES, ids=str)
def test_a_learner_works_where_its_parameters_are(given: cases.Case) -> None:
    learner, task = given.learner().to("meta"), given.task(seed=0).to(device="meta")
    assert learner.adapt(task.support)(task.query).device.type == "meta"
    loss, scores = learner.meta_loss(task)
    loss.backward()
    assert loss.device.type == scores.device.type == "meta"
    assert any(parameter.grad is not None for parameter in learner.parameters())


def test_mixing_devices_is_what_this_test_would_see() -> None:
    with pytest.raises(RuntimeError, match="device"):
        torch.ones(3, device="meta") + torch.ones(3)


def test_a_device_that_is_not_at_hand_is_told() -> None:
    with pytest.raises(RecipeError, match="device 'abacus' is not at hand: this machine and its PyTorch have cpu"):
        device.at_hand("abacus")


def test_random_numbers_are_under_the_seed_inside_and_untouched_outside() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    with device.random_numbers(7):
        first = torch.rand(3)
    with device.random_numbers(7):
        again = torch.rand(3)
    with device.random_numbers(None):
        going_on = torch.rand(2)
    assert torch.equal(first, again)
    assert torch.equal(going_on, expected)
    assert torch.equal(torch.rand(2), expected)
