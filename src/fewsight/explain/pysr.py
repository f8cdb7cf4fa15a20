"""Is there a better formula than a sum of known terms? PySR searches for one, in a process of its own.

Cranmer, "Interpretable Machine Learning for Science with PySR and SymbolicRegression.jl", 2023. It runs Julia, which
can crash a process that has loaded torch, so it is given its data by file and never imported here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.formula import observed
from fewsight.explain.terms import Watcher
from fewsight.inner.problems import Problems, Rule, trajectory

PROGRAM = """
import json, sys
import numpy as np
from pysr import PySRRegressor
data = np.load(sys.argv[1] + "/data.npz")
model = PySRRegressor(niterations=int(sys.argv[2]), binary_operators=["+", "-", "*", "/"],
                      unary_operators=["tanh", "abs", "sign"], output_directory=sys.argv[1], progress=False)
model.fit(data["x"], data["y"], variable_names=["g", "mean", "size"])
best = model.get_best()
found = {"formula": str(best["equation"]), "r2": float(model.score(data["x_new"], data["y_new"]))}
open(sys.argv[1] + "/found.json", "w").write(json.dumps(found))
"""


def search(
    rule: Rule,
    family: Callable[[torch.Generator], Problems],
    *,
    steps: int = 100,
    rows: int = 2000,
    rounds: int = 40,
    seed: int = 0,
) -> dict[str, Any]:
    """PySR's best formula of `g`, `mean` (decay .9) and `size` (decay .999) for the steps of `rule`; takes minutes.

    Args:
        family: draws a batch of problems: one to fit, one for R2.
        rows: steps of single numbers that it is shown, drawn at random.
        rounds: of evolution.

    Returns:
        "formula", and "r2" on unseen problems.

    Raises:
        ExplanationError: PySR is not installed, or failed.
    """
    if find_spec("pysr") is None:
        raise ExplanationError("search() needs PySR, which is not installed: pip install 'fewsight[pysr]'")
    generator = np.random.default_rng(seed)
    (x, y), (x_new, y_new) = (
        _rows(rule, family(torch.Generator().manual_seed(2 * seed + part)), steps, rows, generator) for part in range(2)
    )
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "data.npz", x=x, y=y, x_new=x_new, y_new=y_new)
        done = subprocess.run([sys.executable, "-c", PROGRAM, folder, str(rounds)], capture_output=True, text=True)
        if done.returncode:
            raise ExplanationError(f"PySR failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
        return json.loads((Path(folder) / "found.json").read_text())


def _rows(
    rule: Rule, problems: Problems, steps: int, rows: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs `(rows, 3)` and steps `(rows,)`."""
    found = [
        np.stack([part.numpy().reshape(-1) for part in (s.gradient, s.mean(0.9), s.size(0.999), taken[name])], 1)
        for signals, taken in observed(Watcher((0.9,)), trajectory(rule, problems, steps, unroll=1))
        for name, s in signals.items()
    ]
    chosen = generator.permutation(np.concatenate(found))[:rows]
    return chosen[:, :3], chosen[:, 3]
