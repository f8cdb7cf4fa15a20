"""Small learners and tasks that train in milliseconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from fewsight.domains import Episodes, open_domain
from fewsight.learner import Learner
from fewsight.learners import MAML, ProtoNet
from fewsight.networks import MLP


@pytest.fixture(scope="session")
def sines() -> Episodes:
    """Sine waves, 5 examples and 6 queries each."""
    return Episodes(open_domain("sinusoid").family("train", ways=1, shots=5, queries=6), seed=3, name="train")


@pytest.fixture
def regressor() -> Callable[..., MAML]:
    """Makes a MAML for sine waves, always with the same weights; `dropout` puts a random layer into it."""

    def make(dropout: float = 0.0) -> MAML:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = nn.Sequential(MLP([1, 8]), nn.Tanh(), nn.Dropout(dropout))
            return MAML(network, head=1, features=8, inner_steps=1, inner_lr=0.01)

    return make


@pytest.fixture
def raw_protonet() -> Learner:
    """Prototypes of raw pixels: with one shot this is the nearest neighbour."""
    return ProtoNet(nn.Flatten())
