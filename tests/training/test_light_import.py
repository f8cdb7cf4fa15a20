"""Importing the training package is cheap: what only some runs need is loaded when they need it."""

from __future__ import annotations

import subprocess
import sys


def test_nothing_optional_is_imported() -> None:
    code = (
        "import sys, torch; before = set(sys.modules); import fewsight.training; "
        "print({'rich', 'sklearn', 'tensorboard'} & (set(sys.modules) - before))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"
