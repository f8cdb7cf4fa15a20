"""Do thirty people at once get their answers? Each opens the workbench of a run, then changes examples and asks again.

    python benchmarks/workbench_load.py runs/digits-protonet

starts a server of its own on loopback and stops it. A person loads the page and its files, takes a sample task of their
own, and then switches one example after the other off, as fast as the answers come: no thinking time, the worst case.
Status 429 says "come back"; a person waits as told and asks again, which counts as waiting, not as failure. Latency is
what the person waits, all repetitions included. Exit status 1 where anything failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PAGE = ("/", "/static/palette.css", "/static/style.css", "/static/app.js", "/static/messages.json", "/api/run")
PATIENCE = 60
"""Repetitions after which a person gives up."""


class Watch:
    """What all people met: seconds by kind of request, repetitions, failures."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.again: Counter[str] = Counter()
        self.failures: list[str] = []
        self._lock = threading.Lock()

    def ask(self, address: str, kind: str, path: str, body: Any = None) -> bytes:
        """The answer, however often it must be asked for."""
        started = time.monotonic()
        data = None if body is None else json.dumps(body).encode()
        for _ in range(PATIENCE):
            request = urllib.request.Request(address + path, data, {"content-type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    found: bytes = answer.read()
                with self._lock:
                    self.seconds[kind].append(time.monotonic() - started)
                return found
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != 429:
                        raise RuntimeError(f"{path}: {error.code} {error.read().decode()}") from error
                    wait = float(error.headers["retry-after"])
                with self._lock:
                    self.again[kind] += 1
                time.sleep(wait)
        raise RuntimeError(f"{path}: still busy after {PATIENCE} repetitions")


def person(watch: Watch, address: str, number: int, changes: int) -> None:
    """One person from the first look to the last change."""
    try:
        for path in PAGE:
            watch.ask(address, "page", path)
        sample = json.loads(watch.ask(address, "sample", f"/api/sample?number={number}"))
        examples = [{"item": each["item"], "label": each["label"], "on": True} for each in sample["examples"]]
        body = {"examples": examples, "query": sample["query"]["item"]}
        for change in range(changes):
            if change:
                examples[change % len(examples)]["on"] ^= True
            answer = json.loads(watch.ask(address, "answer", "/api/quick", body))
            if len(answer["values"]) != sum(each["on"] for each in examples):
                raise RuntimeError("an answer to another question")
    except Exception as error:  # a failure of one person is what is counted
        watch.failures.append(f"person {number}: {error}")


def crowd(address: str, people: int, changes: int) -> Watch:
    """What `people` met, all at once."""
    watch = Watch()
    with ThreadPoolExecutor(people) as pool:
        for number in range(people):
            pool.submit(person, watch, address, number, changes)
    return watch


def lines(watch: Watch) -> Iterator[str]:
    """Latencies by kind of request, a line each."""
    for kind, seconds in watch.seconds.items():
        ranked = sorted(seconds)
        middle, late = (ranked[min(len(ranked) - 1, int(share * len(ranked)))] for share in (0.5, 0.95))
        yield (
            f"{kind:>7}: {len(ranked):4} requests, median {1000 * middle:5.0f} ms, p95 {1000 * late:5.0f} ms, "
            f"asked again {watch.again[kind]} times"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--changes", type=int, default=6, help="answers asked for by each person")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fewsight.cli", "serve", asked.run, "--port", "0", "--folder", folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if "http://" not in line:
                return 1
            address = line.split("http://")[1].split()[0].rstrip("/")
            started = time.monotonic()
            watch = crowd(f"http://{address}", asked.people, asked.changes)
            took = time.monotonic() - started
        finally:
            server.terminate()
            server.wait(timeout=30)
    print(f"{asked.people} people at once, {asked.changes} answers each, in {took:.1f} s")
    print(*lines(watch), sep="\n")
    print(f"failures: {len(watch.failures)}", *watch.failures[:5], sep="\n  ")
    return 1 if watch.failures else 0


if __name__ == "__main__":
    sys.exit(main())
