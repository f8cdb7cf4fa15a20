"""The sine waves of MAML, section 5.1."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from fewsight.domains import Episodes, open_domain
from fewsight.errors import RecipeError


def test_values_lie_on_the_wave_the_task_is_named_after() -> None:
    for task in Episodes(open_domain("sinusoid").family("train", ways=1, shots=5, queries=7), 0, "t").batch(0, 20):
        numbers = re.fullmatch(r"([\d.]+) sin\(x - ([\d.]+)\)", task.name)
        assert numbers
        amplitude, phase = map(float, numbers.groups())
        for x, y in ((task.support.x, task.support.y), (task.query, task.target)):
            assert x.dtype == y.dtype == torch.float32
            assert torch.allclose(y, amplitude * torch.sin(x - phase), atol=5e-3)  # the name keeps three decimals
        assert task.support.x.shape == task.support.y.shape == (5, 1)
        assert task.query.shape == task.target.shape == (7, 1)
        assert task.support.ways is None


def test_amplitude_phase_and_inputs_are_uniform() -> None:
    """Kolmogorov-Smirnov against the stated uniform laws."""
    from scipy.stats import kstest

    tasks = Episodes(open_domain("sinusoid").family("test", ways=1, shots=1, queries=1), 0, "t").batch(0, 1000)
    numbers = np.array([[float(n) for n in re.findall(r"[\d.]+", task.name)] for task in tasks])
    x = np.array([task.support.x.item() for task in tasks])
    for sample, (low, high) in ((numbers[:, 0], (0.1, 5)), (numbers[:, 1], (0, math.pi)), (x, (-5, 5))):
        assert kstest(sample, "uniform", (low, high - low)).pvalue > 1e-3


def test_it_says_that_it_is_regression_of_one_number() -> None:
    domain = open_domain("sinusoid")
    assert (domain.outputs, domain.input_shape, domain.splits) == (1, (1,), ("train", "val", "test"))
    with pytest.raises(RecipeError, match="shots must be at least 1"):
        domain.family("train", ways=1, shots=0, queries=1)
    with pytest.raises(RecipeError, match="no split 'trian'; did you mean 'train'"):
        domain.family("trian", ways=1, shots=1, queries=1)
