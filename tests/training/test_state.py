"""Packed and unpacked, a training's state is what it was: values, memory order, and how far it came."""

from __future__ import annotations

from pathlib import Path

import torch

from fewsight.learner import Learner
from fewsight.learners import MatchingNetwork
from fewsight.networks import Conv4
from fewsight.training import Fit, checkpoint
from fewsight.training.state import pack, unpack


def made(steps: int) -> tuple[Learner, torch.optim.Adam]:
    """A learner in channels-last order after some steps of Adam; one of its parameters is a scalar."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        learner = MatchingNetwork(Conv4(channels=2, hidden=3, blocks=1)).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(learner.parameters(), lr=0.1)
        for _ in range(steps):
            for parameter in learner.parameters():
                parameter.grad = torch.randn_like(parameter)
            optimizer.step()
    return learner, optimizer


def test_a_state_survives_a_checkpoint(tmp_path: Path) -> None:
    learner, optimizer = made(3)
    fit = Fit(step=3, seconds=1.5, best=0.25, best_step=2, stale=1, stopped="interrupted")
    checkpoint.save(tmp_path / "a.json", pack(learner, optimizer, fit))
    other, empty = made(0)
    assert unpack(checkpoint.load(tmp_path / "a.json"), other, empty, "here") == fit
    for old, new in zip(learner.parameters(), other.parameters(), strict=True):
        assert torch.equal(old, new)
        assert optimizer.state[old].keys() == empty.state[new].keys()
        for name, value in optimizer.state[old].items():
            assert torch.equal(value, empty.state[new][name])
            assert value.stride() == empty.state[new][name].stride(), "in the order of memory it had"
            assert value.dtype == empty.state[new][name].dtype


def test_the_next_step_is_the_same(tmp_path: Path) -> None:
    learner, optimizer = made(3)
    checkpoint.save(tmp_path / "a.json", pack(learner, optimizer, Fit(3)))
    other, restored = made(0)
    unpack(checkpoint.load(tmp_path / "a.json"), other, restored, "here")
    for old, new in zip(learner.parameters(), other.parameters(), strict=True):
        new.grad = old.grad.clone() if old.grad is not None else None
    optimizer.step()
    restored.step()
    assert all(torch.equal(a, b) for a, b in zip(learner.parameters(), other.parameters(), strict=True))
