"""A training process that kills itself with SIGKILL at a chosen line of fewsight's training code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from fewsight import recipes, training

CODE = str(Path(training.__file__).parent)
STEPS = 24
SETTINGS = [
    "hidden=[8]",
    "train.shots=3",
    "train.queries=3",
    "test.queries=3",
    "meta_batch=2",
    "schedule=cosine",
    f"steps={STEPS}",
    "validate_every=5",
    "validate_tasks=2",
    "checkpoint_every=3",
    "strategy=loop",
]


class Deadly:
    """A trace function that counts executed lines of the files in `CODE` and kills at one.

    Args:
        line: at which; 0: never.
        only: count the lines of these functions ("files.replace") while the first of them runs; none: of all.
        diary: file to which the function it died in is written.
    """

    def __init__(self, line: int, only: Sequence[str], diary: Path) -> None:
        self.line, self.only, self.diary = line, only, diary
        self.counted = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        inside = os.path.dirname(frame.f_code.co_filename) == CODE
        return self.count if inside and (not self.only or self.meant(frame)) else None

    def meant(self, frame: FrameType) -> bool:
        caller: FrameType | None = frame
        while caller is not None and place(caller) != self.only[0]:
            caller = caller.f_back
        return caller is not None and place(frame) in self.only

    def count(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.counted += 1
            if self.counted == self.line:
                self.diary.write_text(place(frame))
                os.kill(os.getpid(), signal.SIGKILL)
        return self.count


def place(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"


def train(out: Path, line: int = 0, only: Sequence[str] = ()) -> dict[str, int]:
    """Start or resume the run in `out`; die at the given line, if it comes.

    Returns:
        The number of executed lines until the first step ("start") and until the end ("all").
    """
    torch.set_num_threads(1)
    deadly = Deadly(line, only, out.with_name("diary"))
    found: dict[str, int] = {}
    recipe = recipes.load("sinusoid-maml", SETTINGS)
    sys.settrace(deadly)
    try:
        training.train(
            recipe,
            out,
            resume=True,
            progress=False,
            on_step=lambda step, result: found.setdefault("start", deadly.counted) and None,
        )
    finally:
        sys.settrace(None)
    return found | {"all": deadly.counted}
