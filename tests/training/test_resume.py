"""Killed at any moment and resumed, a training ends with the weights of an unbroken one, bit for bit."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from killing import STEPS, train

from fewsight.domains import generator

SAVING = ("checkpoint.save", "files.replace")
CHAINS = 5


def in_a_process(out: Path, line: int = 0, only: Sequence[str] = ()) -> int | None:
    """`train` in a process of its own, forked from one that has imported what is slow to import; its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fewsight.training", "torch._dynamo", "tensorboard.summary"])
    process = context.Process(target=train, args=(out, line, only))
    process.start()
    process.join()
    return process.exitcode


def outcome(folder: Path) -> dict[str, bytes]:
    """What a run computed: its tensor files byte by byte, under their names, and its metrics."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in (".safetensors", ".jsonl")}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that nobody disturbed."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    assert in_a_process(folder) == 0
    return folder


def test_twenty_kills(unbroken: Path, tmp_path: Path) -> None:
    """Five trainings, each killed four times: once in its start, once anywhere, twice while it saves."""
    lines = train(tmp_path / "counted")
    lines["saving"] = train(tmp_path / "counted again", only=SAVING)["all"]
    places = set()
    for chain in range(CHAINS):
        run, rng = tmp_path / f"run {chain}", generator(0, "kills", chain)
        for kind in rng.permutation(["start", "all", "saving", "saving"]):
            last = lines["start"] if kind == "start" else lines[kind] // 5  # four times a fifth never reaches the end
            moment = int(rng.integers(1, last + 1))
            assert in_a_process(run, moment, SAVING if kind == "saving" else ()) == -signal.SIGKILL
            places.add((tmp_path / "diary").read_text())
        assert in_a_process(run) == 0
        assert outcome(run) == outcome(unbroken)
    assert places >= set(SAVING), "both ways of being caught while saving are among the moments"
    assert len(places) > 6


def test_what_a_kill_inside_a_system_call_leaves_behind(unbroken: Path, tmp_path: Path) -> None:
    """A line of metrics and files that were cut short; lines cannot be hit there, so it is made by hand."""
    run, lines = tmp_path / "run", train(tmp_path / "counted")
    assert in_a_process(run, lines["all"] // 2) == -signal.SIGKILL
    with open(run / "metrics.jsonl", "a") as metrics:
        metrics.write('{"step": 13, "lo')
    for name in ("run.json", "checkpoint.json", "metrics.jsonl", "checkpoint-0000000000000000.safetensors"):
        (run / f"{name}.tmp").write_bytes(b"half")
    assert in_a_process(run) == 0
    assert outcome(run) == outcome(unbroken)
    assert not list(run.glob("*.tmp"))


def test_the_unbroken_training_is_whole(unbroken: Path) -> None:
    metrics = [json.loads(line) for line in (unbroken / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in metrics if "loss" in line] == list(range(1, STEPS + 1))
    assert [line["step"] for line in metrics if "validation" in line] == [5, 10, 15, 20, STEPS]
    assert len(outcome(unbroken)) == 3
