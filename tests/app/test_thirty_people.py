"""Thirty people at once, each with their own sample task: every one is answered, and how long it took is printed."""

from __future__ import annotations

import runpy
from pathlib import Path

from app_browser import listening

LOAD = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "workbench_load.py"))


def test_thirty_people_at_once_are_all_answered(run: Path, tmp_path: Path) -> None:
    with listening(run, tmp_path) as address:
        watch = LOAD["crowd"](address, 30, 2)
    print(*LOAD["lines"](watch), sep="\n")
    assert watch.failures == []
    assert len(watch.seconds["answer"]) == 60
