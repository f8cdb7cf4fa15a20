"""A domain of your own: machines and their faults, each known by twelve readings of a sensor.

Replace `readings` by your data. What remains is all a domain has to say: how its models see an input (a format), and
which classes are for training, validation and test. (Tasks that exist in the world, such as patients or assays, are a
`GivenDomain` instead.)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fewsight import tree
from fewsight.domains.classes import Classes
from fewsight.domains.divided import divided
from fewsight.domains.domain import ClassDomain
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.rows.shared import baselines

FAULTS, EXAMPLES, READINGS = 100, 30, 12


def readings(fault: int) -> np.ndarray:
    """Measurements of one fault, `(EXAMPLES, READINGS)`: here a wave of its own speed, met at any moment, and noise."""
    rng = np.random.default_rng(fault)
    speed, start = rng.uniform(0.2, 2.8), rng.uniform(0, 2 * np.pi, (EXAMPLES, 1))
    return np.sin(speed * np.arange(READINGS) + start) + 0.2 * rng.standard_normal((EXAMPLES, READINGS))


def open_faults(data: Path | None = None) -> ClassDomain:
    """What `recipe.toml` names. `data` is the data directory of the command line, for domains that read files."""
    names = [f"fault {fault}" for fault in range(FAULTS)]
    # Rows of named numbers. Others: ImageFormat, TextFormat, MoleculeFormat, or a class of your own.
    rows = [dict(zip(_columns(), map(float, row), strict=True)) for fault in range(FAULTS) for row in readings(fault)]
    where = [f"{name}, example {i}" for name in names for i in range(EXAMPLES)]
    # The format learns columns and scales here, once; a trained run keeps them.
    form = RowFormat().fitted(rows, where)
    inputs = form.encode(rows, where).x
    by_class = {
        name: tree.take(inputs, slice(EXAMPLES * place, EXAMPLES * (place + 1))) for place, name in enumerate(names)
    }
    # No class is in two splits: the test is about faults never seen in training.
    parts = divided(names)
    classes = {part: Classes(tuple(of), [by_class[name] for name in of]) for part, of in parts.items()}
    return ClassDomain("faults", form, classes, baselines=baselines())


def _columns() -> list[str]:
    return [f"t{time}" for time in range(READINGS)]
