"""The command line as a stranger uses it: what works, and one clear line for what does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Invoke = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was hardly trained: what it says is worth nothing, but it says it."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    arguments = ["train", "digits-protonet", "steps=4", "network.hidden=8", "validate_tasks=2", "--out", str(folder)]
    code = "import sys; from fewsight.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bars and rings, drawn dark on light, in two class folders and one query."""
    folder = tmp_path_factory.mktemp("drawings")
    grid = np.mgrid[-1:1:32j, -1:1:32j]
    for index in range(3):
        ring = np.abs(np.hypot(*grid) - 0.5 - 0.05 * index) < 0.12
        bar = np.abs(grid[0] - 0.1 * index) < 0.15
        for name, shape in (("ring", ring), ("bar", bar)):
            (folder / "support" / name).mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(np.where(shape, 20, 240).astype(np.uint8))
            image.save(folder / "support" / name / f"{index}.png")
    shutil.copy(folder / "support" / "ring" / "1.png", folder / "query.png")
    return folder


def test_predict_gives_labels_probabilities_and_notes(fewsight: Invoke, run: Path, drawings: Path) -> None:
    code, out, _ = fewsight(
        "predict", run, "--support", drawings / "support", "--query", drawings / "query.png", "--json"
    )
    answer = json.loads(out)
    (row,) = answer["predictions"]
    assert code == 0
    assert set(row["probabilities"]) == {"bar", "ring"}
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert row["prediction"] == max(row["probabilities"], key=row["probabilities"].get)
    assert any("inverted" in note for note in answer["notes"])


def test_explain_writes_page_and_json(fewsight: Invoke, run: Path, drawings: Path, tmp_path: Path) -> None:
    support, query = drawings / "support", drawings / "query.png"
    page, record = tmp_path / "page.html", tmp_path / "analysis.json"
    code, out, _ = fewsight("explain", run, "--support", support, "--query", query, "--out", page, "--json", record)
    analysis = json.loads(record.read_text())
    assert code == 0
    assert analysis["predicted"] in ("bar", "ring")
    assert analysis["support_names"] == [f"{name}/{i}.png" for name in ("bar", "ring") for i in range(3)]
    assert "ring/1.png" in page.read_text()
    assert f"prediction: {analysis['predicted']}" in out


def test_evaluate_prints_baselines_and_protocol(fewsight: Invoke, run: Path) -> None:
    code, out, _ = fewsight("evaluate", run, "--tasks", 4, "--ways", 3, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["protocol"]["ways"] == 3
    assert {"learner", "un-adapted learner"} < set(report["methods"])
    assert len(report["tasks"]) == 4


def test_recipes_are_listed_with_their_figures(fewsight: Invoke) -> None:
    code, out, _ = fewsight("recipes")
    assert code == 0
    for name in ("omniglot-protonet", "omniglot-matching", "omniglot-maml", "digits-protonet", "sinusoid-maml"):
        assert f"{name}\n" in out
    assert "published 98.8 (Snell et al. 2017, table 1)" in out


@pytest.mark.parametrize("command", ["demo", "recipes", "train", "evaluate", "predict", "explain", "audit"])
def test_help_shows_an_example(fewsight: Invoke, command: str) -> None:
    code, out, _ = fewsight(command, "--help")
    assert code == 0
    assert f"Example: fewsight {command}" in out


def bad(fewsight: Invoke, *arguments: object) -> str:
    """The one line of an error: status 2, nothing else printed."""
    code, out, err = fewsight(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_bad_recipes_and_runs_are_one_line(fewsight: Invoke, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "new"
    assert "did you mean 'omniglot-protonet'" in bad(fewsight, "train", "omniglot-protone", "--out", out)
    assert "did you mean 'steps'" in bad(fewsight, "train", "digits-protonet", "stepz=3", "--out", out)
    assert "steps" in bad(fewsight, "train", "digits-protonet", "steps=many", "--out", out)
    assert not out.exists()
    assert "already holds a run" in bad(fewsight, "train", "digits-protonet", "--out", run)
    assert "no run folder" in bad(fewsight, "evaluate", tmp_path / "nowhere")


def test_damaged_runs_are_one_line(fewsight: Invoke, run: Path, tmp_path: Path) -> None:
    for name, damage in {"best.json": b"{", "run.json": b'{"format": "fewsight.run/99"}'}.items():
        broken = tmp_path / name.removesuffix(".json")
        shutil.copytree(run, broken)
        (broken / name).write_bytes(damage)
        assert str(broken / name) in bad(fewsight, "evaluate", broken, "--tasks", 2)
    cut = tmp_path / "cut"
    shutil.copytree(run, cut)
    for tensors in cut.glob("best-*.safetensors"):
        tensors.write_bytes(tensors.read_bytes()[:-10])
    assert "safetensors" in bad(fewsight, "evaluate", cut, "--tasks", 2)


def test_bad_images_are_one_line_and_write_nothing(fewsight: Invoke, run: Path, drawings: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    def fails(name: str, spoil: Callable[[Path], None], query: str = "query.png") -> str:
        folder = tmp_path / name
        shutil.copytree(drawings, folder)
        spoil(folder)
        message = bad(
            fewsight, "explain", run, "--support", folder / "support", "--query", folder / query, "--out", page
        )
        assert not page.exists()
        return message

    assert "one class only" in fails("single", lambda f: shutil.rmtree(f / "support" / "bar"))
    empty = fails("empty", lambda f: (f / "support" / "void").mkdir())
    assert "void" in empty
    assert "0.png" in fails("zero bytes", lambda f: (f / "support" / "bar" / "0.png").write_bytes(b""))
    assert "notes.txt" in fails("text", lambda f: (f / "support" / "bar" / "notes.txt").write_text("hello"))
    assert "missing.png" in fails("no query", lambda f: None, query="missing.png")
    assert "explain one at a time" in fails("folder", lambda f: None, query="support/ring")


def test_pages_cannot_be_written_into_nowhere(fewsight: Invoke, run: Path, drawings: Path, tmp_path: Path) -> None:
    support, query = drawings / "support", drawings / "query.png"
    message = bad(
        fewsight, "explain", run, "--support", support, "--query", query, "--out", tmp_path / "no" / "page.html"
    )
    assert "make it first" in message


def test_missing_data_says_which_file_to_put_where(fewsight: Invoke, tmp_path: Path, monkeypatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there: as without a network
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    message = bad_after_progress(fewsight, "train", "omniglot-protonet", "--out", tmp_path / "run", "--data", tmp_path)
    assert "images_background.zip" in message or "train.txt" in message
    assert str(tmp_path) in message
    assert not (tmp_path / "run").exists()


def bad_after_progress(fewsight: Invoke, *arguments: object) -> str:
    """As `bad`, where a progress display may stand before the error."""
    code, _, err = fewsight(*arguments)
    assert code == 2
    assert "Traceback" not in err
    return err.strip().splitlines()[-1]


def test_importing_is_light_and_pulls_in_nothing_optional() -> None:
    optional = ("sklearn", "tensorboard", "captum", "shap", "matplotlib", "pandas", "higher", "rich", "typer")
    code = f"import fewsight, sys; print([m for m in {optional!r} if m in sys.modules])"
    environment = os.environ | {"PYTHONWARNINGS": "default"}
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert found.stdout.strip() == "[]"
