"""The workbench gives the numbers of the Python API, and keeps what it was told to keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from app_requests import HOSTILE, ended, picture, question, upload
from fastapi.testclient import TestClient

import fewsight
from fewsight.app.server import create_app
from fewsight.domains import read_query


def test_switching_an_example_off_gives_the_numbers_of_the_python_api(
    client: TestClient, run: Path, tmp_path: Path
) -> None:
    asked = question(client)
    asked["examples"][1]["on"] = False
    answer = client.post("/api/quick", json=asked).json()

    (tmp_path / "files").mkdir()
    for i in range(6):
        (tmp_path / "files" / f"{i}.png").write_bytes(picture(i))
    images = read_query(tmp_path / "files", 16, 1, True)
    support = fewsight.Support.of(images.x[[0, 2, 3, 4]], ["a", "b", "b", "c"])
    kinds = ("shapley", "leave_one_out", "removal")
    analysis = fewsight.explain(fewsight.Run.open(run).learner(), support, images.x[5:], kinds, checks=False)
    assert answer["labels"] == ["a", "b", "c"]
    assert answer["used"] == [0, 2, 3, 4]
    assert answer["probabilities"] == pytest.approx(analysis.probabilities, abs=1e-6)
    assert answer["kind"] == "shapley"
    assert answer["exact"]
    assert answer["values"] == pytest.approx(analysis["shapley"].values, abs=1e-5)
    alone = np.isnan(analysis["leave_one_out"].values)
    assert [value is None for value in answer["leave_one_out"]] == alone.tolist() == [True, False, False, True]
    assert (answer["radius"] or np.inf) == analysis["removal"].value
    # The same through adapt and predict, which answer many queries.
    task = client.post("/api/adapt", json={"examples": asked["examples"]}).json()
    [row] = client.post("/api/predict", json={"task": task["task"], "queries": [asked["query"]]}).json()["predictions"]
    assert list(row["probabilities"].values()) == pytest.approx(analysis.probabilities, abs=1e-6)
    assert row["prediction"] == answer["predicted"]


def test_a_label_changed_changes_the_answer_and_a_class_can_be_chosen(client: TestClient) -> None:
    asked = question(client, ("a", "a", "b", "b"))
    before = client.post("/api/quick", json=asked).json()
    swapped = {"a": "b", "b": "a"}
    for example in asked["examples"]:
        example["label"] = swapped[example["label"]]
    after = client.post("/api/quick", json=asked).json()
    assert after["predicted"] == swapped[before["predicted"]]
    other = client.post("/api/quick", json=asked | {"target": before["predicted"]}).json()
    assert other["target"] == before["predicted"]
    # Two classes: what speaks for one speaks against the other.
    assert other["value"] == pytest.approx(-after["value"], abs=1e-5)
    assert np.array(other["query"]["map"]) == pytest.approx(-np.array(after["query"]["map"]), abs=1e-5)


def test_a_full_explanation_is_saved_and_is_there_after_a_restart(client: TestClient, run: Path) -> None:
    asked = question(client, (HOSTILE, HOSTILE, "b", "b"))
    task = client.post("/api/adapt", json={"examples": asked["examples"]}).json()["task"]
    job = client.post("/api/explain", json={"task": task, "query": asked["query"], "seconds": 1})
    assert job.status_code == 202
    done = ended(client, job.json())
    assert (done["state"], done["error"], done["progress"]) == ("done", None, 1.0)
    page = client.get(f"/a/{done['analysis']}")
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
    assert "<img src=x" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]  # default-src 'none': no script at all

    store = client.app.state.bench.store.folder  # type: ignore[attr-defined]
    with TestClient(create_app(run, store), base_url="http://127.0.0.1") as again:
        assert again.get(f"/a/{done['analysis']}").text == page.text
        [entry] = again.get("/api/analyses").json()["analyses"]
        found = again.get(f"/api/analyses/{entry['id']}").json()
        assert [example["label"] for example in found["task"]["examples"]] == [HOSTILE, HOSTILE, "b", "b"]
        assert found["record"]["labels"] == [HOSTILE, "b"]
        assert again.get(f"/a/{entry['id']}/analysis.json").json() == found["record"]
        # What it was made from can be worked on again.
        reopened = [{key: e[key] for key in ("item", "label", "on")} for e in found["task"]["examples"]]
        body = {"examples": reopened, "query": found["task"]["query"]["item"]}
        assert again.post("/api/quick", json=body).json()["probabilities"] == pytest.approx(
            found["record"]["probabilities"], abs=1e-6
        )


def test_the_sample_is_a_task_of_unseen_digits(client: TestClient) -> None:
    sample = client.get("/api/sample").json()
    labels = [example["label"] for example in sample["examples"]]
    assert {labels.count(label) for label in labels} == {2}
    assert set(labels) <= set("56789")
    assert sample["query"]["picture"].startswith("data:image/png;base64,")
    assert client.get("/api/sample?number=1").json()["query"]["picture"] != sample["query"]["picture"]


def test_dark_drawings_are_inverted_and_it_is_said(client: TestClient) -> None:
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.new("L", (20, 20), 255).save(buffer, format="PNG")
    assert "inverted" in upload(client, "white.png", buffer.getvalue()).json()["notes"][0]


def test_the_api_is_documented(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    verbs = {
        f"/api/{verb}" for verb in ("adapt", "predict", "explain", "quick", "audit", "images", "items", "jobs/{job}")
    }
    assert verbs <= set(document["paths"])
    assert all("description" in operation for path in document["paths"].values() for operation in path.values())
