"""Of exactly what is this the explanation? Hashes of the learner and the data, and the versions that computed it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fewsight import tree
from fewsight.explain.case import Case


def digest(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """SHA-256 of named tensors: names, dtypes, shapes and bytes."""
    total = hashlib.sha256()
    for name, value in tensors:
        plain = value.detach().cpu().contiguous().reshape(-1)
        total.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        total.update(plain.view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def provenance(case: Case) -> dict[str, Any]:
    """Hashes of parameters, support and query; seed and versions."""
    support = case.support
    given = [*tree.leaves(support.x), support.y, support.weight]
    return {
        "learner": type(case.learner).__name__,
        "learner_sha256": digest(sorted(case.learner.state_dict().items())),
        "support_sha256": digest((f"support {i}", leaf) for i, leaf in enumerate(given)),
        "query_sha256": digest((f"query {i}", leaf) for i, leaf in enumerate(tree.leaves(case.query))),
        "seed": case.seed,
        "versions": {
            "fewsight": version("fewsight"),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
