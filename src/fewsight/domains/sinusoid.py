"""Which regression tasks does everybody compare on? Sine waves of random amplitude and phase (MAML, section 5.1).

    y = A sin(x - phase),  A ~ U[0.1, 5],  phase ~ U[0, pi],  x ~ U[-5, 5]

Every split is the same distribution: there are no classes to hold out, and the chance of meeting one wave twice is nil.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fewsight.baselines import Baseline, defaults
from fewsight.domains.asked import check_counts, check_split
from fewsight.task import Support, Task

AMPLITUDE = (0.1, 5.0)
PHASE = (0.0, math.pi)
INPUT = (-5.0, 5.0)


@dataclass(frozen=True)
class SineWaves:
    """Tasks of `shots` examples and `queries` queries of one wave; inputs and values are `(K, 1)` float32."""

    shots: int
    queries: int

    def __post_init__(self) -> None:
        check_counts(shots=self.shots, queries=self.queries)

    def draw(self, rng: np.random.Generator) -> Task:
        amplitude, phase = rng.uniform(*AMPLITUDE), rng.uniform(*PHASE)
        x = rng.uniform(*INPUT, (self.shots + self.queries, 1))
        y = _float32(amplitude * np.sin(x - phase))
        x_support, x_query = _float32(x).split([self.shots, self.queries])
        y_support, y_query = y.split([self.shots, self.queries])
        return Task(Support.of(x_support, y_support), x_query, y_query, name=f"{amplitude:.3f} sin(x - {phase:.3f})")


@dataclass(frozen=True)
class Sinusoid:
    """A `Domain`; see the module docstring."""

    name: str = "sinusoid"
    outputs: int = 1
    input_shape: tuple[int, ...] = (1,)
    splits: tuple[str, ...] = ("train", "val", "test")
    format: None = None
    notes: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    baselines: Mapping[str, Baseline] = field(default_factory=defaults)

    @property
    def fingerprint(self) -> str:
        law = f"y = A sin(x - phase); A {AMPLITUDE}, phase {PHASE}, x {INPUT}"
        return hashlib.sha256(law.encode()).hexdigest()

    def inputs(self, split: str) -> Iterable[Tensor]:
        """None to prepare on: every task has its own."""
        return ()

    def family(self, split: str, *, ways: int | None = None, shots: int, queries: int) -> SineWaves:
        check_split(self.name, split, self.splits)
        return SineWaves(shots, queries)


def open_sinusoid(data: Path | None = None) -> Sinusoid:
    """The sine waves of MAML, section 5.1; needs no data."""
    return Sinusoid()


def _float32(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
