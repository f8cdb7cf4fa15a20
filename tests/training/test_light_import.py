"""Importing the training package is cheap: what only some runs need is loaded when they need it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("rich", "sklearn", "tensorboard", "scipy", "matplotlib", "torch._dynamo")


def test_nothing_optional_is_imported() -> None:
    code = f"import sys, fewsight.training, fewsight.recipes; print([m for m in {HEAVY} if m in sys.modules])"
    code = "import torch, sys; before = set(sys.modules); " + code.replace(
        "in sys.modules", "in set(sys.modules) - before"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
