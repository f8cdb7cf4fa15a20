"""What a stranger gets wrong on the command line: one line that says what to do, status 2, and nothing written."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewsight import recipes
from fewsight.domains import GUESSED
from fewsight.recipes.own import own_recipe
from fewsight.training import train

Invoke = Callable[..., tuple[int, str, str]]
HARDLY = ["steps=2", "validate_tasks=2", "strategy=loop"]


def table(path: Path, head: str, rows: Iterable[tuple[object, ...]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head.split(","), *rows])
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that were hardly trained on images, rows of classes, rows of values and sine waves; data right and wrong."""
    place, draw = tmp_path_factory.mktemp("place"), random.Random(0)
    for side in ("support", "query"):
        for name, shade in (("dark", 40), ("light", 200)):
            for i in range(2):
                (place / side / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((20, 20), shade + i, np.uint8)).save(place / side / name / f"{i}.png")
    classes = [(draw.random(), draw.random(), f"c{c}") for c in range(10) for _ in range(4)]
    values = [(draw.random(), draw.random(), f"t{t}", draw.random()) for t in range(6) for _ in range(8)]
    table(place / "classes.csv", "f,g,label", classes)
    table(place / "values.csv", "f,g,task,value", values)
    table(place / "few.csv", "f,g,value", [(f, g, value) for f, g, _, value in values[:4]])
    table(place / "asked.csv", "f,g", [(0.5, 0.5)])
    table(place / "kinds.csv", "f,g,sort", classes)
    table(place / "split.csv", "f,g,label,split", [(*row, "train") for row in classes])
    table(place / "sole.csv", "f,g,label,task", [(*row, row[2]) for row in classes])
    (place / "groups.csv").write_text("file;group\ndark/0.png;a\n")
    (place / "page.html").mkdir()
    (place / "folder.json").mkdir()
    (place / "file").write_text("here before")
    (place / "mine").mkdir()
    (place / "mine" / "recipe.toml").write_text("")
    train(recipes.load("digits-protonet", [*HARDLY, "network.hidden=8"]), place / "images", progress=False)
    train(recipes.load("sinusoid-maml", HARDLY), place / "waves", progress=False)
    for name, run in (("classes.csv", "rows"), ("values.csv", "numbers")):
        recipe = recipes.override(own_recipe(place / name, None, GUESSED)[0], HARDLY)
        train(recipe, place / run, progress=False)
    return place


IMAGES = "images --support support --query query"
PAGE = "explain images --support support --query query/dark/0.png"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train images --out new", "images is no data but a run: test it"),
        ("train mine --out new", "give that, mine/recipe.toml"),
        ("train support --out new", "needs at least 2 of its own; give 10 in all"),
        ("train split.csv --out new", "or a column 'split' that names enough of each"),
        ("train kinds.csv --out new", "say which it is (--label; label = in a recipe)"),
        ("train sole.csv --out new", "task 'c0' has one class only ('c0')"),
        ("train support --label sort --out new", "images, which have no columns"),
        ("train classes.csv --input f --out new", "rows take all their columns: leave out --input"),
        ("train digits-protonet --kind rows --label sort --out new", "leave out --kind, --label"),
        ("train digits-protonets --out new", "did you mean 'digits-protonet'?"),
        ("train support/dark/0.png --out new", "give a name (fewsight recipes lists them), a path ending in .toml"),
        ("train digits-protonet --out file", "choose another folder"),
        ("train digits-protonet --resume --out images", "they differ in network.hidden, training.steps, "),
        ("train digits-maml --resume --out images", "they differ in name, about, "),
        ("train digits-protonet domain.name=folder --out new", "domain 'folder' needs its setting 'path'"),
        ("train digits-maml learner.head=3 --out new", "fixed head has 3 ways but the task has 5"),
        ('train digits-maml learner.adapt=["network.*"] --out new', "leaves out the head, in which all classes start"),
        ("new file", "choose another folder"),
        ("evaluate images ways=3", "'ways' changes nothing in a trained run"),
        ("evaluate images --ways 50", "50 ways need 50 classes, but there are 5"),
        ("evaluate images --domain folder", "domain 'folder' needs its setting 'path'"),
        ("evaluate waves --ways 3", "leave out --ways"),
        ("evaluate numbers --ways 3", "leave out --ways"),
        (f"predict {IMAGES} --label sort", "leave out --input, --label and --group"),
        ("predict rows --support classes.csv --query classes.csv --input f", "leave out --input"),
        ("predict rows --support few.csv --query asked.csv", "learns classes: give those"),
        (f"{PAGE} --out page.html", "which is a folder"),
        (f"{PAGE} --out support/dark/0.png", "ends in .html"),
        (f"{PAGE} --out new.html --json folder.json", "which is a folder"),
        (f"{PAGE} --out new.html --json new.html", "ends in .json"),
        (f"{PAGE} --out new.html --json classes.csv", "ends in .json"),
        (f"audit {IMAGES} --out folder.json", "which is a folder"),
        (f"audit {IMAGES} --out new.json --groups groups.csv", "no group for query file 'dark/1.png'"),
        (f"audit {IMAGES} --out new.json --group sort", "leave out --input, --label and --group"),
        (
            "audit numbers --support few.csv --query asked.csv --out new.json",
            "an audit is of classes",
        ),
        ("audit numbers --support values.csv --query values.csv --out new.html", "an audit is of classes"),
        ("serve waves --port 0", "takes no inputs of your own"),
        ("serve images --port 0 --folder file", "choose another with --folder"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    line: str, message: str, fewsight: Invoke, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    code, out, err = fewsight(*line.split())
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("error: ")
    assert message in err
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_an_empty_query_is_said(fewsight: Invoke, tmp_path: Path) -> None:
    words = [(f"word{draw} of c{c}", f"c{c}") for c in range(10) for draw in range(4)]
    path = table(tmp_path / "t.csv", "text,label", words)
    code, *_ = fewsight("train", path, "--out", tmp_path / "run", *HARDLY)
    assert code == 0
    code, out, err = fewsight("predict", tmp_path / "run", "--support", path, "--query", "")
    assert (code, out) == (2, "")
    assert "the query is empty" in err


def test_a_run_on_ones_own_data_is_tested_from_anywhere_and_changed_data_is_said(
    fewsight: Invoke, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text((place / "classes.csv").read_text())
    code, *_ = fewsight("train", "t.csv", "--out", "run", *HARDLY)
    assert code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, out, err = fewsight("evaluate", "../run", "--tasks", 2)
    assert code == 0, err
    assert "changed since the training" not in out
    (tmp_path / "t.csv").write_text((place / "classes.csv").read_text().replace("c9", "c10"))
    code, out, _ = fewsight("evaluate", "../run", "--tasks", 2)
    assert code == 0
    assert "changed since the training" in out
