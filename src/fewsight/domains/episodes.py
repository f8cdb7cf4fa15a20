"""How are the same tasks drawn again, on any number of workers and after any interruption? By their number.

Task `i` of a run is a pure function of (seed, name, i): no stream is consumed, so nothing must be saved to resume, and
workers need not agree on anything.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fewsight.task import Task


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """The random stream called `names` under `seed` (>= 0); other names or another seed give an independent one."""
    digest = hashlib.sha256(json.dumps(names).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=words)))


class TaskFamily(Protocol):
    """Something tasks of one kind can be drawn from."""

    def draw(self, rng: np.random.Generator) -> Task:
        """One task; all randomness comes from `rng`."""
        ...


@dataclass(frozen=True)
class Episodes:
    """An endless numbered list of tasks.

    Attributes:
        family: what the tasks are drawn from.
        seed: of the whole run, >= 0.
        name: the purpose ("train", "validation"...): other names give other tasks.
    """

    family: TaskFamily
    seed: int
    name: str

    def __getitem__(self, index: int) -> Task:
        if index < 0:
            raise IndexError(f"episodes are numbered from 0 and have no end, got {index}")
        return self.family.draw(generator(self.seed, self.name, index))

    def batch(self, start: int, size: int) -> list[Task]:
        """Episodes `start`, ..., `start + size - 1`."""
        return [self[index] for index in range(start, start + size)]


def prefetch(episodes: Episodes, start: int, stop: int, batch: int, workers: int = 1) -> Iterator[list[Task]]:
    """Episodes `start` to `stop - 1` in lists of `batch` (the last may be shorter), drawn ahead by threads.

    The lists and their order do not depend on `workers`; 0 draws each list when it is asked for. At most one list more
    than there are workers waits, so memory stays bounded.
    """
    parts = [(first, min(batch, stop - first)) for first in range(start, stop, batch)]
    if workers == 0:
        yield from (episodes.batch(*part) for part in parts)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fewsight-episodes")
    waiting: deque[Future[list[Task]]] = deque()
    try:
        for part in parts:
            waiting.append(pool.submit(episodes.batch, *part))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
