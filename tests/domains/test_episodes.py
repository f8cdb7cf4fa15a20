"""Tasks are numbered: the same seed, name and number give the same task, whoever draws it and when."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from numpy.random import Generator

from fewsight.domains.episodes import Episodes, generator, prefetch
from fewsight.task import Support, Task


@dataclass(frozen=True)
class Numbers:
    """Tasks of one random number; counts draws and the threads that made them."""

    threads: set[str] = field(default_factory=set)
    drawn: list[float] = field(default_factory=list)
    fail_above: float = 2.0

    def draw(self, rng: Generator) -> Task:
        value = rng.random()
        if value > self.fail_above:
            raise ValueError(f"drew {value}")
        self.threads.add(threading.current_thread().name)
        self.drawn.append(value)
        x = torch.tensor([[value]], dtype=torch.float64)
        return Task(Support.of(x, x), x, x)


def values(tasks: list[Task]) -> list[float]:
    return [task.query.item() for task in tasks]


def test_streams_differ_by_seed_and_by_every_name() -> None:
    keys = [
        (0, "a"),
        (1, "a"),
        (0, "b"),
        (0, "a", 0),
        (0, "a", 1),
        (0, "a0"),
        (0, "a", "0"),
        (0,),
        (0, "a", "b"),
        (0, "ab"),
    ]
    firsts = {generator(*key).random() for key in keys}
    assert len(firsts) == len(keys)


def test_stream_depends_on_nothing_but_the_seed_and_the_sha256_of_the_names() -> None:
    words = np.frombuffer(hashlib.sha256(json.dumps(["train", 7]).encode()).digest(), "<u4")
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence(3, spawn_key=tuple(words.tolist()))))
    assert generator(3, "train", 7).random(4).tolist() == expected.random(4).tolist()


def test_episode_does_not_depend_on_what_was_drawn_before() -> None:
    episodes = Episodes(Numbers(), seed=1, name="train")
    in_order = values(episodes.batch(0, 6))
    assert [values([episodes[i]])[0] for i in (5, 0, 3)] == [in_order[5], in_order[0], in_order[3]]
    assert values(episodes.batch(2, 3)) == in_order[2:5]
    assert len(set(in_order)) == 6


def test_names_and_seeds_give_other_episodes() -> None:
    family = Numbers()
    drawn = [values(Episodes(family, seed, name).batch(0, 3)) for seed in (0, 1) for name in ("train", "validation")]
    assert len({value for three in drawn for value in three}) == 12


def test_negative_number_is_refused() -> None:
    with pytest.raises(IndexError, match="numbered from 0"):
        Episodes(Numbers(), 0, "train")[-1]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_prefetch_yields_the_same_lists_on_any_number_of_workers(workers: int) -> None:
    episodes = Episodes(Numbers(), 0, "train")
    lists = [values(tasks) for tasks in prefetch(episodes, 3, 14, batch=4, workers=workers)]
    assert lists == [values(episodes.batch(3, 4)), values(episodes.batch(7, 4)), values(episodes.batch(11, 3))]


def test_prefetch_draws_in_its_own_threads_and_not_too_far_ahead() -> None:
    family = Numbers()
    stream = prefetch(Episodes(family, 0, "train"), 0, 1000, batch=2, workers=2)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(family.drawn) <= 2 * 3
    assert threading.current_thread().name not in family.threads


def test_prefetch_passes_on_the_error_of_a_worker() -> None:
    with pytest.raises(ValueError, match="drew"):
        list(prefetch(Episodes(Numbers(fail_above=0.5), 0, "train"), 0, 50, batch=2, workers=2))


def test_prefetch_of_nothing_is_empty() -> None:
    assert list(prefetch(Episodes(Numbers(), 0, "train"), 5, 5, batch=4, workers=2)) == []
