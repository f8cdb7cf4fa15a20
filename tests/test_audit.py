"""The record an auditor files: complete, the same again, and one clear line for what cannot be audited."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import json_schema
from fewsight import cli, recipes
from fewsight.training import train

Invoke = Callable[..., tuple[int, str, str]]
SCHEMA = json_schema.load("audit.schema.json")
SETTINGS = ["steps=4", "network.hidden=8", "validate_tasks=2", "strategy=loop"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hardly trained run; bars and rings as support (one ring labelled bar) and as queries; groups."""
    folder = tmp_path_factory.mktemp("audit")
    train(recipes.load("digits-protonet", SETTINGS), folder / "run", progress=False)
    grid = np.mgrid[-1:1:32j, -1:1:32j]

    def draw(path: Path, shape: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(shape, 240, 20).astype(np.uint8)).save(path)

    rows = ["set,file,group"]
    for index in range(8):
        shapes = {
            "ring": np.abs(np.hypot(*grid) - 0.4 - 0.04 * index) < 0.12,
            "bar": np.abs(grid[0] - 0.08 * index) < 0.15,
        }
        for name, shape in shapes.items():
            part = "support" if index < 3 else "query"
            draw(folder / part / name / f"{index}.png", shape)
            rows.append(f"{part},{name}/{index}.png,{'odd' if index % 2 else 'even'}")
    draw(folder / "support" / "bar" / "wrong.png", np.abs(np.hypot(*grid) - 0.5) < 0.12)
    rows.append("support,bar/wrong.png,odd")
    (folder / "groups.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def record(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The audit of all that, as JSON."""
    out = tmp_path_factory.mktemp("out") / "audit.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["fewsight", *arguments(folder, out)])
        with pytest.raises(SystemExit) as end:
            cli.main()
    assert not end.value.code
    return json.loads(text_of(out), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def arguments(folder: Path, out: Path, *, groups: bool = True) -> list[str]:
    given = ["audit", folder / "run", "--support", folder / "support", "--query", folder / "query"]
    return [str(part) for part in (*given, *(["--groups", folder / "groups.csv"] if groups else []), "--out", out)]


def test_the_record_says_what_was_audited(record: dict, folder: Path) -> None:
    tensors = next((folder / "run").glob("best-*.safetensors"))
    assert record["schema"] == "fewsight.audit/2"
    assert record["hashes"]["checkpoint"] == hashlib.sha256(tensors.read_bytes()).hexdigest()
    assert set(record["hashes"]) == {"checkpoint", "parameters", "support", "queries", "query labels", "groups file"}
    files = {example["file"]: example for example in record["support"]}
    assert list(files) == [*(f"bar/{n}.png" for n in (0, 1, 2, "wrong")), *(f"ring/{n}.png" for n in range(3))]
    image = (folder / "support" / "bar" / "wrong.png").read_bytes()
    assert files["bar/wrong.png"]["sha256"] == hashlib.sha256(image).hexdigest()
    assert (files["bar/wrong.png"]["label"], files["bar/wrong.png"]["group"]) == ("bar", "odd")
    assert len(record["queries"]) == 10
    assert record["lineage"]["recipe"]["name"] == "digits-protonet"
    assert len(record["lineage"]["domain"]["fingerprint"]) == 64
    assert record["lineage"]["recipe"]["training"]["seed"] == 0
    assert {"versions", "seed", "threads"} <= set(record["computed"])
    assert record["command"].startswith("fewsight audit ")


def test_it_keeps_the_schema_that_the_docs_name(record: dict) -> None:
    assert "(audit.schema.json)" in text_of(json_schema.DOCS / "audit.md")
    assert json_schema.errors(record, SCHEMA, SCHEMA) == []
    first, *others = record["queries"]
    for broken in (
        record | {"more": 1},
        record | {"population": record["population"] | {"effects": None}},
        record | {"queries": [first | {"answer": 1}, *others]},
        record | {"hashes": record["hashes"] | {"support": None}},
        {name: value for name, value in record.items() if name != "fingerprint"},
    ):
        assert json_schema.errors(broken, SCHEMA, SCHEMA)


def test_its_numbers_agree_with_each_other(record: dict) -> None:
    found = record["population"]
    values = np.array(found["valuation"]["values"])
    performance, fairness = found["performance"], found["fairness"]
    assert values.sum() == pytest.approx(performance["unadapted_loss"] - performance["loss"], abs=1e-6)
    np.testing.assert_allclose(np.mean(found["effects"]["values"], axis=0), values, atol=1e-6)
    right = [query["answer"] == query["label"] for query in record["queries"]]
    assert performance["accuracy"] == pytest.approx(np.mean(right))
    assert np.trace(found["confusion"]["counts"]) == sum(right)
    assert fairness["groups"] == fairness["support_groups"] == ["even", "odd"]
    assert np.mean(fairness["influence"], axis=0).sum() == pytest.approx(
        np.mean([p["unadapted_loss"] - p["loss"] for p in fairness["performance"]]), abs=1e-6
    )
    names = {measure["name"] for measure in (*found["valuation"]["fidelity"], *found["valuation"]["controls"])}
    assert {"linear datamodelling score over all subsets", "control: support labels shuffled"} <= names
    wrong = [example["file"] for example in record["support"]].index("bar/wrong.png")
    assert (found["suspects"]["labels"][wrong], found["suspects"]["looks_like"][wrong]) == ("bar", "ring")


@pytest.mark.parametrize("kind", ["json", "html"])
def test_twice_on_the_same_inputs_gives_the_same_bytes_but_for_the_date(
    fewsight: Invoke, folder: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / f"audit.{kind}"
    dated = {"json": r'^ "date": "[^"]+",$', "html": r"(?<=<time>)[^<]+(?=</time>)"}[kind]
    texts, dates = [], []
    for number in range(2):
        code, _, err = fewsight(*arguments(folder, out))
        assert (code, err) == (0, "")
        text = text_of(out)
        if kind == "json" and number:
            text = re.sub(dated, ' "date": "another day",', text, flags=re.M)
        dates += re.findall(dated, text, flags=re.M)
        texts.append(re.sub(dated, "", text, count=1, flags=re.M))
    assert len(dates) == 2
    assert texts[0] == texts[1]


def test_the_fingerprint_is_that_of_everything_but_the_date(record: dict, folder: Path) -> None:
    undated = {key: value for key, value in record.items() if key not in ("date", "fingerprint")}
    text = json.dumps(undated, sort_keys=True)
    assert record["fingerprint"] == hashlib.sha256(text.encode()).hexdigest()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


class Page(HTMLParser):
    """Collects the tags, the addresses they ask for, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "action")]
        self.ids += [value or "" for name, value in attributes if name == "id"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_stands_alone_and_says_the_same(fewsight: Invoke, record: dict, folder: Path, tmp_path: Path) -> None:
    support = tmp_path / "<b>odd & even"
    shutil.copytree(folder / "support", support)
    (support / "bar").rename(support / "<i>bar")
    shutil.copytree(folder / "query", tmp_path / "query")
    (tmp_path / "query" / "bar").rename(tmp_path / "query" / "<i>bar")
    out = tmp_path / "audit.html"
    code, shown, _ = fewsight(
        "audit", folder / "run", "--support", support, "--query", tmp_path / "query", "--out", out
    )
    page = Page(text_of(out))
    assert code == 0
    assert "b" not in page.tags
    assert page.tags.count("i") == text_of(out).count("<i style=")  # the meters of cards, and no class name
    assert all(address.startswith("data:") for address in page.addresses)
    assert len(page.ids) == len(set(page.ids))
    text = "".join(page.words)
    inside = json.loads(re.search(r'id="audit">(.*?)</script>', text_of(out), re.S)[1])
    assert "date" not in inside
    assert inside["fingerprint"] in text
    assert inside["fingerprint"][:16] in shown
    assert inside["hashes"]["checkpoint"] == record["hashes"]["checkpoint"]
    np.testing.assert_allclose(
        inside["population"]["valuation"]["values"], record["population"]["valuation"]["values"], atol=1e-6
    )
    assert "ring/0.png" in text
    assert "labelled <i>bar" in text
    accuracy = record["population"]["performance"]["accuracy"]
    assert f"{round(10 * accuracy)} of 10 queries were answered rightly" in text
    assert "Are all groups served alike?" not in text


def test_the_page_has_a_row_for_each_group_and_a_dot_for_each_effect(
    fewsight: Invoke, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "audit.html"
    fewsight(*arguments(folder, out))
    text = text_of(out)
    assert len(re.findall(r'<circle [^>]*class="(?:for|against|rest)', text)) == 7 * 10
    assert "Gain of queries of “even”" in text
    assert re.search(r'<th scope="row">odd</th><td>\d+</td>', text)


def test_unlabelled_queries_are_audited_without_performance(fewsight: Invoke, folder: Path, tmp_path: Path) -> None:
    files = sorted((folder / "query" / "ring").iterdir())
    given = [part for file in files for part in ("--query", file)]
    out = tmp_path / "audit.json"
    code, shown, _ = fewsight("audit", folder / "run", "--support", folder / "support", *given, "--out", out)
    record = json.loads(text_of(out))
    assert code == 0
    assert "accuracy" not in shown
    assert json_schema.errors(record, SCHEMA, SCHEMA) == []
    assert record["population"]["performance"] is None
    assert [query["label"] for query in record["queries"]] == [None] * len(files)
    assert record["queries"][0]["file"] == files[0].as_posix()
    code, _, _ = fewsight(
        "audit", folder / "run", "--support", folder / "support", *given, "--out", out.with_suffix(".html")
    )
    assert code == 0
    assert "The right answers are not known" in text_of(out.with_suffix(".html"))


def test_what_cannot_be_audited_is_one_line_and_writes_nothing(fewsight: Invoke, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.html"
    bad_groups = tmp_path / "groups.csv"
    bad_groups.write_text("name,team\nx,y\n")
    mixed = tmp_path / "mixed"
    shutil.copytree(folder / "query", mixed)
    (mixed / "bar").rename(mixed / "other")
    run, support, query = folder / "run", folder / "support", folder / "query"
    ring = query / "ring" / "5.png"
    for message, given in {
        "does not exist": (run, "--support", tmp_path / "nowhere", "--query", query, "--out", out),
        "no run folder": (tmp_path / "nowhere", "--support", support, "--query", query, "--out", out),
        "missing.png": (run, "--support", support, "--query", tmp_path / "missing.png", "--out", out),
        "need labels": (run, "--support", support, "--query", ring, "--groups", folder / "groups.csv", "--out", out),
        "no column 'file'": (run, "--support", support, "--query", query, "--groups", bad_groups, "--out", out),
        "lies in no folder": (run, "--support", support, "--query", mixed, "--out", out),
        "given twice": (run, "--support", support, "--query", ring, "--query", ring, "--out", out),
        "must end in .html or .json": (run, "--support", support, "--query", query, "--out", tmp_path / "audit.pdf"),
        "make it first": (run, "--support", support, "--query", query, "--out", tmp_path / "no" / "audit.html"),
    }.items():
        code, shown, err = fewsight("audit", *given)
        assert (code, shown, err.count("\n")) == (2, "", 1), message
        assert err.startswith("error: ")
        assert message in err
    assert not out.exists()
