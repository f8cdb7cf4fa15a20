"""The example that `fewsight new` writes trains, predicts and explains as its README says; own data train unasked."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewsight.domains import Columns, open_domain
from fewsight.errors import DataError, RecipeError
from fewsight.recipes.own import own_recipe

Invoke = Callable[..., tuple[int, str, str]]


def test_the_example_does_what_its_readme_says(fewsight: Invoke, tmp_path: Path) -> None:
    code, out, _ = fewsight("new", tmp_path / "mine")
    assert code == 0
    assert "fewsight train" in out
    folder = tmp_path / "mine"
    code, _, err = fewsight("train", folder / "recipe.toml", "--out", folder / "run", "steps=60", "validate_every=60")
    assert code == 0, err
    code, out, _ = fewsight("evaluate", folder / "run", "--tasks", 30)
    assert code == 0
    assert "LOSES" not in out
    given = ("--support", folder / "support.csv", "--query", folder / "query.csv")
    code, out, _ = fewsight("predict", folder / "run", *given)
    assert code == 0
    assert out.startswith("row 2: worn bearing")
    assert "column 'label' was taken for the label" in out
    code, out, _ = fewsight("explain", folder / "run", *given, "--out", folder / "page.html", "--budget", 5)
    assert code == 0
    assert "t11" in (folder / "page.html").read_text()
    assert fewsight("new", folder)[0] == 2


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def other(): pass", "has no function 'open_it'; known: other"),
        ("1 / 0", "fails with ZeroDivisionError"),
        ("open_it = 3", "has no function 'open_it'"),
    ],
)
def test_files_of_ones_own_that_fail_say_so(tmp_path: Path, code: str, message: str) -> None:
    (tmp_path / "d.py").write_text(code)
    with pytest.raises(RecipeError, match=message):
        open_domain(f"{tmp_path / 'd.py'}:open_it")
    with pytest.raises(RecipeError, match="there is no file"):
        open_domain(f"{tmp_path / 'e.py'}:open_it")


def table(path: Path, classes: int, examples: int = 8) -> Path:
    rng = random.Random(0)
    words = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("ana", "ero", "ilu", "omi")]
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["text", "intent"])
        for c in range(classes):
            for _ in range(examples):
                out.writerow([" ".join([words[c], *rng.sample(words, 3)]), f"intent {c}"])
    return path


def test_a_table_of_texts_trains_without_a_recipe(fewsight: Invoke, tmp_path: Path) -> None:
    data = table(tmp_path / "t.csv", 20)
    code, out, err = fewsight("train", data, "--out", tmp_path / "run", "steps=3", "validate_every=3", "strategy=vmap")
    assert code == 0, err
    assert "was taken for texts: 12 classes to train on, 4 to validate, 4 to test" in out
    recipe = own_recipe(data, None, Columns())[0]
    assert recipe.train.model_dump() == {"ways": 5, "shots": 4, "queries": 4}
    assert recipe.test.ways == 4
    code, out, _ = fewsight("predict", tmp_path / "run", "--support", data, "--query", "bana ero ilu")
    assert code == 0
    assert out.startswith("bana ero ilu: ")


def test_a_folder_of_images_trains_in_the_size_and_colour_it_has(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for c in range(10):
        for i in range(4):
            (tmp_path / "d" / f"class {c}").mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 255, (30, 20, 3), np.uint8)).save(
                tmp_path / "d" / f"class {c}" / f"{i}.png"
            )
    recipe, said = own_recipe(tmp_path / "d", None, Columns())
    assert recipe.domain.settings == {"path": str(tmp_path / "d"), "size": 28, "channels": 3}
    assert recipe.train.model_dump() == {"ways": 5, "shots": 2, "queries": 2}
    assert "taken for images: 6 classes" in said


@pytest.mark.parametrize(("classes", "examples", "message"), [(4, 5, "too few classes"), (12, 1, "with one example")])
def test_too_little_to_learn_from(tmp_path: Path, classes: int, examples: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        own_recipe(table(tmp_path / "t.csv", classes, examples), None, Columns())


def test_a_column_of_values_by_task_trains_a_regression(fewsight: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{i / 7:.3f},{t},{t * i / 7:.3f}" for t in range(1, 11) for i in range(12)]
    path.write_text("\n".join(["dose,task,value", *rows]))
    recipe, said = own_recipe(path, None, Columns())
    assert recipe.learner.name == "ridge"
    assert "rows with values to predict: 6 tasks to train on" in said
    code, _, err = fewsight("train", path, "--out", tmp_path / "run", "steps=3", "validate_every=3", "strategy=vmap")
    assert code == 0, err
    (tmp_path / "s.csv").write_text("dose,value\n0.1,0.5\n0.9,4.5\n0.4,2\n")
    (tmp_path / "q.csv").write_text("dose\n0.5\n")
    code, out, _ = fewsight("predict", tmp_path / "run", "--support", tmp_path / "s.csv", "--query", tmp_path / "q.csv")
    assert code == 0
    assert float(out.splitlines()[0].removeprefix("row 2: ")) == pytest.approx(2.5, abs=2.5)
