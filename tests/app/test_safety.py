"""What must not happen: a file outside the folder, too much at once, a stranger's request, one failure that spreads."""

from __future__ import annotations

import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from app_requests import HOSTILE, in_chinese, picture, question, upload
from fastapi.testclient import TestClient

from fewsight.app import limits
from fewsight.app.guard import check_token
from fewsight.app.items import clean
from fewsight.app.jobs import BusyError, CancelledError, Gate, Job, Jobs
from fewsight.app.schema import Question
from fewsight.app.server import create_app
from fewsight.app.store import Store
from fewsight.app.wording import STATIC
from fewsight.domains import ImageFormat
from fewsight.errors import DataError, RunError

TOKEN = "a-token-of-enough-length"


@pytest.mark.parametrize("name", ["../../../evil.png", "..\\..\\evil.png", "/etc/evil.png", "a/../evil.png"])
def test_no_name_leads_out_of_the_folder(client: TestClient, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.parent.rglob("evil*"))
    assert upload(client, name).json()["name"] == "evil.png"
    assert sorted(tmp_path.parent.rglob("evil*")) == before
    assert all(file.name.startswith("workbench.sqlite") for file in (tmp_path / "store").iterdir())


def test_names_keep_what_can_be_shown() -> None:
    assert clean("x" * 200 + ".png", "image").endswith("….png")
    assert len(clean("x" * 200 + ".png", "image")) <= limits.NAME
    assert clean("a\x00\n\u202eb.png", "image") == "ab.png"
    assert clean("..", "image") == ".."
    assert clean("///", "image") == "image"


def test_hostile_names_come_back_as_data(client: TestClient) -> None:
    asked = question(client, (HOSTILE, HOSTILE, "b"))
    answer = client.post("/api/quick", json=asked)
    assert answer.headers["content-type"] == "application/json"
    assert HOSTILE in answer.json()["labels"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_static_pages_have_no_inline_script_and_a_strict_policy(client: TestClient) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert '<script type="module" src=' in page.text
    assert page.text.count("<script") == 1
    assert not any(mark in page.text for mark in (" style=", " onclick=", " onload=", "<style"))
    for script in STATIC.glob("*.js"):
        text = client.get(f"/static/{script.name}").text
        assert not any(way in text for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"))
    assert client.get("/static/../server.py").status_code == 404
    assert client.get("/static/%2e%2e/server.py").status_code == 404


def bomb() -> bytes:
    """A PNG header of 60,000 x 60,000 pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0")
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, body, b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_files_that_cannot_be_used_get_one_sentence_with_their_own_name(client: TestClient, tmp_path: Path) -> None:
    for payload, said in ((b"", "empty"), (b"hello", "not an image"), (bomb(), "too large")):
        answer = upload(client, "mine.png", payload)
        assert answer.status_code == 422
        assert answer.json()["error"].startswith("mine.png")
        assert said in answer.json()["error"]
        assert in_chinese(client, "/api/images", params={"name": "mine.png"}, content=payload)
        assert str(tmp_path) not in answer.text
    assert upload(client, "big.png", b"x" * (limits.FILE_BYTES + 1)).status_code == 413
    # The same when the length is not announced.
    pieces = (b"x" * 2**20 for _ in range(limits.FILE_BYTES // 2**20 + 1))
    answer = client.post("/api/images", content=pieces)
    assert answer.status_code == 413
    assert "too large" in answer.json()["error"]


def test_requests_that_make_no_sense_name_the_place(client: TestClient) -> None:
    asked = question(client, ("a", "b"))
    one = [asked["examples"][0]]
    assert in_chinese(client, "/api/quick", json={"examples": one, "query": asked["query"]})
    assert "two classes" in client.post("/api/quick", json={"examples": one, "query": asked["query"]}).json()["error"]
    blank = [one[0] | {"label": "  "}]
    answer = client.post("/api/quick", json={"examples": blank, "query": asked["query"]})
    assert answer.status_code == 422
    assert answer.json() == {"error": "Give the class a name.", "where": "examples.0.label"}
    for target in ("z", "loss"):  # a word that targets are made of is no class either
        assert "No example" in client.post("/api/quick", json=asked | {"target": target}).json()["error"]
    assert "add it again" in client.post("/api/quick", json=asked | {"query": "gone"}).json()["error"]
    crowd = [one[0]] * (limits.EXAMPLES + 1)
    assert client.post("/api/adapt", json={"examples": crowd}).json()["where"] == "examples"
    assert client.get("/a/nothing").status_code == client.get("/api/jobs/nothing").status_code == 404


def test_a_full_queue_says_when_to_come_back_and_a_place_is_free_after_a_cancel(client: TestClient) -> None:
    bench = client.app.state.bench  # type: ignore[attr-defined]
    asked = question(client, ("a", "b"))
    task = client.post("/api/adapt", json={"examples": asked["examples"]}).json()["task"]
    started, go = threading.Event(), threading.Event()

    def hold(job: Job) -> str:
        started.set()
        go.wait(30)
        job.check()
        return ""

    held = bench.jobs.submit(hold, 30.0)
    assert started.wait(10)
    body = {"task": task, "query": asked["query"]}
    waiting = [client.post("/api/explain", json=body).json() for _ in range(2)]
    full = client.post("/api/explain", json=body)
    assert full.status_code == 429
    assert 1 <= int(full.headers["retry-after"]) <= 30
    # Light work goes on meanwhile.
    assert client.post("/api/quick", json=asked).status_code == 200
    assert client.delete(f"/api/jobs/{waiting[0]['id']}").json()["state"] == "cancelled"
    assert client.post("/api/explain", json=body).status_code == 202
    bench.jobs.cancel(held)
    go.set()
    bench.jobs.close()
    assert held.state == "cancelled"


def test_a_running_explanation_stops_at_its_next_adaptation(client: TestClient) -> None:
    bench = client.app.state.bench  # type: ignore[attr-defined]
    asked = question(client)
    job = Job(lambda job: "", 1.0)
    learner = job.interruptible(bench.learner)
    support = bench.taught(Question(**asked).examples).support
    learner(support, support.x)
    job.off.set()
    with pytest.raises(CancelledError):
        learner(support, support.x)
    bench.learner(support, support.x)  # the original is not touched


def test_a_job_that_fails_leaves_the_next_one_alone() -> None:
    jobs = Jobs(3)

    def broken(job: Job) -> str:
        raise ValueError("defect")

    def mendable(job: Job) -> str:
        raise DataError("one sentence")

    made = [jobs.submit(work, 1.0) for work in (broken, mendable, lambda job: "made")]
    deadline = threading.Event()
    while not made[-1].ended:
        deadline.wait(0.01)
    assert [job.state for job in made] == ["failed", "failed", "done"]
    assert str(made[1].error) == "one sentence"
    assert "defect" not in str(made[0].error)
    jobs.close()


def test_the_gate_turns_away_what_it_cannot_seat() -> None:
    gate, inside, go = Gate(waiting=0), threading.Event(), threading.Event()

    def hold() -> None:
        with gate():
            inside.set()
            go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(BusyError), gate():
        pass
    go.set()
    thread.join()
    with gate():
        pass


def test_the_gate_lets_in_by_the_order_of_arrival() -> None:
    gate, order = Gate(), list[int]()

    def pass_through(number: int) -> None:
        with gate():
            order.append(number)

    threads = [threading.Thread(target=pass_through, args=(number,)) for number in range(5)]
    with gate():
        for waiting, thread in enumerate(threads, 1):
            thread.start()
            while len(gate._line) <= waiting:
                threading.Event().wait(0.001)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_strangers_are_turned_away(client: TestClient) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.post("/api/images", content=picture(), headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/api/images", content=picture(), headers={"origin": "http://127.0.0.1"}).status_code == 201


def test_a_token_is_asked_for_everywhere(run: Path, tmp_path: Path) -> None:
    app = create_app(run, tmp_path, host="0.0.0.0", token=TOKEN)
    with TestClient(app, base_url="http://lab.example") as client:
        for path in ("/", "/static/app.js", "/api/run", "/api/openapi.json", "/a/x", "/?token=wrong"):
            assert client.get(path).status_code == 401
        assert client.get("/api/run", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.get("/api/run", headers={"authorization": "Bearer ä".encode()}).status_code == 401
        assert "fewsight workbench" in client.get(f"/?token={TOKEN}").text  # from here on the cookie carries it
        assert client.get("/api/run").status_code == 200


def test_other_hosts_need_a_token() -> None:
    with pytest.raises(DataError, match="give --token"):
        check_token("0.0.0.0", None)
    with pytest.raises(DataError, match="16 or more"):
        check_token("127.0.0.1", "short")
    for host in ("127.0.0.1", "localhost", "::1"):
        check_token(host, None)
    check_token("192.168.1.2", TOKEN)


CRASH = """
import os, signal, sys
from pathlib import Path
from fewsight.app.store import Store
from fewsight.domains import ImageFormat
store = Store(Path(sys.argv[1]), ImageFormat(2))
print(store.save("kept", {}, "{}", "page", []), flush=True)
store._data.execute("BEGIN IMMEDIATE")
store._data.execute("DELETE FROM analyses")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_saved_survives_a_crash_in_the_middle_of_a_change(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL
    store = Store(tmp_path, ImageFormat(2))
    saved = store.saved(died.stdout.strip())
    store.close()
    assert saved is not None
    assert (saved.title, saved.page) == ("kept", "page")


def test_the_store_keeps_saved_items_and_bounds_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEPT", 3)
    monkeypatch.setattr(limits, "SAVED", 1)
    store = Store(tmp_path, ImageFormat(2))
    kept = [store.add(f"{i}", np.full((1, 2, 2), i, np.uint8)).id for i in range(2)]
    store.save("title", {}, "{}", "page", kept)
    later = [store.add("x", np.zeros((1, 2, 2), np.uint8)).id for _ in range(5)]
    assert [item.raw[0, 0, 0] for item in store.items(kept)] == [0, 1]
    assert len(store.items(later[-3:])) == 3
    with pytest.raises(DataError, match="add it again"):
        store.items(later[:1])
    with pytest.raises(DataError, match="no more fit"):
        store.save("title", {}, "{}", "page", kept)
    store.close()
    with pytest.raises(RunError, match="other inputs"):
        Store(tmp_path, ImageFormat(3))
    with sqlite3.connect(tmp_path / "workbench.sqlite") as data:
        assert data.execute("SELECT count(*) FROM analyses").fetchone() == (1,)
    data.close()
