"""Texts, molecules and rows go through the same verbs as images; what cannot be used is named where it stands."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from app_requests import HOSTILE, ended, in_chinese
from fastapi.testclient import TestClient

import fewsight
import json_schema
from fewsight.app import limits
from fewsight.app.sample import rows
from fewsight.app.server import create_app
from fewsight.domains import RowFormat

GIVEN: dict[str, list[Any]] = {
    "texts": ["play a song", "some jazz please", "will it rain", "is it cold", f"{HOSTILE} rain & jazz"],
    "molecules": ["CCO", "CC(C)O", "CCN", "CC(C)N", "OCCCN"],
    "rows": [
        {"age": 40, "pain": "none", "pulse": 70},
        {"age": "51", "pain": "some", "pulse": 75},
        {"age": 66, "pain": "much", "pulse": 90},
        {"age": 71, "pain": "much"},
        {"age": 60, "pain": HOSTILE, "pulse": 82},
    ],
}
GIVEN["values"] = GIVEN["any"] = GIVEN["rows"]
LABELS = {kind: ["a", "a", "b", "b"] for kind in GIVEN} | {"values": ["1.5", "2", "4", "-3e0"]}


@pytest.fixture
def opened(kinds: dict[str, Path], tmp_path: Path) -> Iterator[Callable[[str], TestClient]]:
    """A workbench of a kind of input."""
    with ExitStack() as stack:

        def open_one(kind: str) -> TestClient:
            app = create_app(kinds[kind], tmp_path / kind)
            return stack.enter_context(TestClient(app, base_url="http://127.0.0.1"))

        yield open_one


def asked(client: TestClient, kind: str) -> dict[str, Any]:
    """The support set and the query of `GIVEN`."""
    answer = client.post(
        "/api/items", json={"items": [{"raw": raw, "name": str(i)} for i, raw in enumerate(GIVEN[kind])]}
    )
    assert answer.status_code == 201, answer.text
    ids = [item["item"] for item in answer.json()["items"]]
    examples = [{"item": item, "label": label} for item, label in zip(ids, LABELS[kind], strict=False)]
    return {"examples": examples, "query": ids[-1]}


@pytest.mark.parametrize("kind", GIVEN)
def test_every_kind_gives_the_numbers_of_the_python_api(
    opened: Callable[[str], TestClient], kinds: dict[str, Path], kind: str
) -> None:
    client = opened(kind)
    question = asked(client, kind)
    answer = client.post("/api/quick", json=question).json()
    run = fewsight.Run.open(kinds[kind])
    form, raw, names = run.format, GIVEN[kind], [str(i) for i in range(5)]
    if isinstance(form, RowFormat):
        form = form.fitted(raw[:4], names[:4])
    support, query = form.encode(raw[:4], names[:4]), form.encode(raw[4:], names[4:])
    labels: Any = LABELS[kind]
    if kind == "values":
        labels = torch.tensor([float(label) for label in labels])
    given = fewsight.Support.of(support.x, labels)
    what = ("shapley", "leave_one_out", "query_shapley")
    analysis = fewsight.explain(run.learner(), given, query.x, what, parts=query.views[0].parts, checks=False)
    assert answer["values"] == pytest.approx(analysis["shapley"].values, abs=1e-5)
    assert answer["query"]["parts"] == list(query.views[0].parts)
    assert answer["query"]["kind"] == "query_shapley"
    assert answer["query"]["values"] == pytest.approx(analysis["query_shapley"].values, abs=1e-5)
    if kind == "values":
        assert answer["predicted"] == pytest.approx(analysis.scores[0], abs=1e-5)
        assert "probabilities" not in answer
    else:
        assert answer["probabilities"] == pytest.approx(analysis.probabilities, abs=1e-6)
    # The same through adapt and predict, and one example fewer gives another answer.
    task = client.post("/api/adapt", json={"examples": question["examples"]}).json()["task"]
    [row] = client.post("/api/predict", json={"task": task, "queries": [question["query"]]}).json()["predictions"]
    assert row["item"] == question["query"]
    assert row["prediction"] == pytest.approx(answer["predicted"])
    question["examples"][0]["on"] = False
    assert client.post("/api/quick", json=question).json()["value"] != pytest.approx(answer["value"], abs=1e-6)


@pytest.mark.parametrize("kind", ["texts", "molecules", "rows"])
def test_items_are_shown_inertly(opened: Callable[[str], TestClient], kind: str) -> None:
    told = opened(kind).post("/api/items", json={"items": [{"raw": raw} for raw in GIVEN[kind]]}).json()["items"]
    for item, raw in zip(told, GIVEN[kind], strict=True):
        assert item["raw"] == raw or kind == "rows"
        if kind == "texts":
            assert (item["picture"], item["text"]) == (None, raw)
            continue
        head, packed = item["picture"].split(",")
        assert head == "data:image/svg+xml;base64"
        drawing = ElementTree.fromstring(base64.b64decode(packed))
        assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
        assert {element.tag.split("}")[1] for element in drawing.iter()}.isdisjoint(
            {"script", "a", "image", "foreignObject"}
        )
        assert "--ink" in drawing[0].text  # the colours of the page stand in it


WRONG = [
    ("texts", "!!!", "has no word"),
    ("texts", "", "empty"),
    ("texts", {"text": "hello"}, "takes texts"),
    ("molecules", "CC(", "not a molecule"),
    ("molecules", "CCO ethanol", "more than a SMILES"),
    ("rows", "age=3", "values by column name"),
    ("rows", {"age": "old"}, "not a number"),
    ("rows", {"size": 3}, "none of the columns"),
    ("texts", "x" * (limits.TEXT + 1), "4000 characters"),
    ("rows", {"age": "9" * (limits.CELL + 1)}, "200 characters"),
    ("rows", {"age": [40]}, "a number or nothing"),
    ("rows", {str(i): i for i in range(limits.COLUMNS + 1)}, "500 columns"),
]


@pytest.mark.parametrize(("kind", "raw", "said"), WRONG)
def test_what_cannot_be_used_is_one_line_at_its_place_and_nothing_is_kept(
    opened: Callable[[str], TestClient], kind: str, raw: Any, said: str
) -> None:
    client = opened(kind)
    answer = client.post("/api/items", json={"items": [{"raw": GIVEN[kind][0]}, {"raw": raw}]})
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert in_chinese(client, "/api/items", json={"items": [{"raw": GIVEN[kind][0]}, {"raw": raw}]})
    assert answer.json()["where"] in ("items.1", "items.1.raw")
    store = client.app.state.bench.store  # type: ignore[attr-defined]
    assert store._do("SELECT count(*) FROM items") == [(0,)]


def test_counts_and_kinds_are_bounded(opened: Callable[[str], TestClient], client: TestClient) -> None:
    texts = opened("texts")
    many = {"items": [{"raw": "a word"}] * (limits.ITEMS + 1)}
    assert texts.post("/api/items", json=many).json()["where"] == "items"
    assert "takes texts" in texts.post("/api/images", content=b"x").json()["error"]
    assert in_chinese(texts, "/api/items", json=many)
    assert "/api/images" in client.post("/api/items", json={"items": [{"raw": "a word"}]}).json()["error"]


def test_a_value_that_is_no_number_is_named(opened: Callable[[str], TestClient]) -> None:
    client = opened("values")
    question = asked(client, "values")
    for label in ("much", "nan", "inf"):
        question["examples"][2]["label"] = label
        answer = client.post("/api/quick", json=question)
        assert (answer.status_code, answer.json()["where"]) == (422, "examples.2.label")
    body = {"task": "x", "queries": [{"item": question["query"], "label": "1"}]}
    assert "of classes" in client.post("/api/audit", json=body).json()["error"]


@pytest.mark.parametrize("kind", ["texts", "values"])
def test_a_full_explanation_of_any_kind_is_saved_in_the_language_asked_for(
    opened: Callable[[str], TestClient], kind: str
) -> None:
    client = opened(kind)
    question = asked(client, kind)
    task = client.post("/api/adapt", json={"examples": question["examples"]}).json()["task"]
    body = {"task": task, "query": question["query"], "seconds": 1}
    done = ended(client, client.post("/api/explain", json=body, headers={"accept-language": "zh"}).json())
    assert done["state"] == "done", done
    page = client.get(f"/a/{done['analysis']}").text
    assert 'lang="zh-Hans"' in page
    assert "<img src=x" not in page
    found = client.get(f"/api/analyses/{done['analysis']}").json()["task"]
    assert [example["label"] for example in found["examples"]] == LABELS[kind]
    assert found["query"]["item"] == question["query"]


def test_a_molecules_page_has_its_small_real_changes(opened: Callable[[str], TestClient]) -> None:
    client = opened("molecules")
    question = asked(client, "molecules")
    task = client.post("/api/adapt", json={"examples": question["examples"]}).json()["task"]
    body = {"task": task, "query": question["query"], "seconds": 20}
    done = ended(client, client.post("/api/explain", json=body).json())
    found = client.get(f"/a/{done['analysis']}/analysis.json").json()["explanations"]["matched_pairs"]
    assert found["provenance"]["pairs"]
    assert 'class="pairs"' in client.get(f"/a/{done['analysis']}").text


def test_the_page_says_that_a_query_is_an_example_and_what_simple_methods_answer(
    opened: Callable[[str], TestClient],
) -> None:
    client = opened("molecules")
    examples = asked(client, "molecules")["examples"]
    task = client.post("/api/adapt", json={"examples": examples}).json()["task"]
    body = {"task": task, "query": examples[0]["item"], "seconds": 1}
    done = ended(client, client.post("/api/explain", json=body).json())
    told = client.get(f"/a/{done['analysis']}/analysis.json").json()["caveats"]
    assert "the query is one of your examples too (0): this answer is no test" in told
    page = client.get(f"/a/{done['analysis']}").text
    assert "This molecule resembles 0 (Tanimoto similarity 1.00)." in page
    assert "simple methods that saw these examples" in page


def test_an_audit_record_is_of_the_labelled_queries(
    opened: Callable[[str], TestClient], kinds: dict[str, Path]
) -> None:
    client = opened("texts")
    question = asked(client, "texts")
    task = client.post("/api/adapt", json={"examples": question["examples"]}).json()["task"]
    queries = [{"item": question["query"], "label": label} for label in ("a", "b")]
    unknown = client.post("/api/audit", json={"task": task, "queries": [queries[0] | {"label": "c"}]})
    assert unknown.json()["where"] == "queries.0.label"
    records = []
    for _ in range(2):
        done = ended(client, client.post("/api/audit", json={"task": task, "queries": queries}).json())
        assert done["state"] == "done", done
        records.append(client.get(f"/a/{done['analysis']}/analysis.json").json())
    first, second = records
    schema = json_schema.load("audit.schema.json")
    assert json_schema.errors(first, schema, schema) == []
    assert first["fingerprint"] == second["fingerprint"]
    assert [query["label"] for query in first["queries"]] == ["a", "b"]
    assert first["population"]["performance"]["accuracy"] == 0.5  # one text, two answers
    run = fewsight.Run.open(kinds["texts"])
    weights = json.loads((run.folder / "best.json").read_text())
    assert first["hashes"]["checkpoint"] == weights["sha256"]
    assert client.get(f"/api/analyses/{done['analysis']}").json()["task"]["questions"][1]["label"] == "b"


@pytest.mark.parametrize("kind", ["texts", "molecules"])
def test_samples_of_what_cannot_be_read_back_are_made_up(opened: Callable[[str], TestClient], kind: str) -> None:
    client = opened(kind)
    sample = client.get("/api/sample").json()
    examples = [{"item": each["item"], "label": each["label"]} for each in sample["examples"]]
    answer = client.post("/api/quick", json={"examples": examples, "query": sample["query"]["item"]}).json()
    assert len(answer["labels"]) == 3
    assert {question["label"] for question in sample["questions"]} == set(answer["labels"])


def test_rows_are_written_as_people_write_them(kinds: dict[str, Path]) -> None:
    form = fewsight.Run.open(kinds["rows"]).format
    assert isinstance(form, RowFormat)
    given = [{"age": 40.25, "pain": "some"}, {"age": 66.0, "pain": "much", "pulse": 79.5}]
    examples = form.encode(given, ["0", "1"])
    assert rows(form, examples.x) == given
    again = form.encode(rows(form, examples.x), ["0", "1"])
    np.testing.assert_allclose(again.x["cells"], examples.x["cells"])
