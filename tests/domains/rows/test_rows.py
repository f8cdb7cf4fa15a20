"""Rows of tables as a model and as people see them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fewsight.domains import read_format
from fewsight.domains.rows.format import LIMIT, RowFormat
from fewsight.domains.rows.schema import Column, infer, level, matrix
from fewsight.domains.rows.view import RowView
from fewsight.errors import DataError

ROWS = [
    {"age": "63", "sex": "m", "dose": 1.5},
    {"age": "?", "sex": "f", "dose": None},
    {"age": 44, "sex": "m", "dose": float("nan")},
    {"age": 50.0, "sex": "NA", "dose": 3},
]
NAMES = ["a", "b", "c", "d"]
FORM = RowFormat(slots=5, code=3).fitted(ROWS, NAMES)


def test_columns_are_found_and_standardised_by_the_rows() -> None:
    age = np.array([63, 44, 50.0])
    assert [(column.name, column.kind, column.levels) for column in FORM.columns] == [
        ("age", "number", ()),
        ("sex", "category", ("f", "m")),
        ("dose", "number", ()),
    ]
    x = FORM.encode(ROWS, NAMES).x
    np.testing.assert_allclose(x["cells"][[0, 2, 3], 0, 0], (age - age.mean()) / age.std(), rtol=1e-6)
    assert x["mask"].tolist() == [[1, 1, 1, 0, 0], [0, 1, 0, 0, 0], [1, 1, 0, 0, 0], [1, 0, 1, 0, 0]]
    assert x["cells"][0, 1].tolist() == [0, 1, 0, 1, 0]
    assert x["size"].tolist() == [3, 3, 3, 3]
    assert {name: tuple(leaf.shape[1:]) for name, leaf in x.items()} == FORM.shape
    assert (x["cells"][x["mask"] == 0] == 0).all()


def test_it_survives_being_kept_as_json() -> None:
    kept = json.loads(json.dumps({"kind": FORM.kind} | FORM.to_json()))
    assert read_format(kept) == FORM


def test_what_is_not_known_counts_as_missing_and_is_said() -> None:
    found = FORM.encode([{"age": 50, "sex": "x", "colour": "red"}], ["q"])
    assert found.x["mask"].tolist() == [[1, 0, 0, 0, 0]]
    assert len(found.notes) == 3
    assert any("'dose' is not there" in note for note in found.notes)
    assert any("'sex': 'x' was not among the levels" in note for note in found.notes)
    assert any("'colour'" in note for note in found.notes)


def test_far_numbers_are_held_and_said() -> None:
    found = FORM.encode([{"age": 1e9, "sex": "f", "dose": 2}], ["q"])
    assert found.x["cells"][0, 0, 0] == LIMIT
    assert "column 'age': 1e+09 is far" in found.notes[0]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"age": "old", "sex": "m"}, "q, column 'age': 'old' is not a number"),
        ({"age": "12,5", "sex": "m"}, "q, column 'age': '12,5' is not a number"),
        ({"age": 1e200, "sex": "m"}, "q, column 'age': 1e\\+200 is too large"),
        ({"age": float("inf"), "sex": "m"}, "q, column 'age': 'inf' is not a number"),
        ({"height": 3}, "none of the columns this model knows is there"),
    ],
)
def test_what_cannot_be_used_says_row_and_column(row: dict[str, object], text: str) -> None:
    with pytest.raises(DataError, match=text):
        FORM.encode([row], ["q"])


def test_whole_numbers_name_one_level_however_they_are_written() -> None:
    assert {level(value) for value in (3, 3.0, "3", "3.0", np.int64(3))} == {"3"}
    assert level(True) == "True"
    columns = (Column("kind", "category", ("1", "2")),)
    values, _ = matrix([{"kind": 1.0}, {"kind": "2"}, {"kind": None}], NAMES, columns)
    np.testing.assert_array_equal(values[:, 0], [0, 1, np.nan])


def test_a_slip_in_a_column_of_numbers_is_no_category() -> None:
    rows = [{"age": str(i)} for i in range(9)] + [{"age": "ten"}]
    assert infer(rows)[0].kind == "number"
    with pytest.raises(DataError, match="'ten' is not a number"):
        RowFormat().fitted(rows, [str(i) for i in range(10)])


def test_more_levels_than_a_code_has_room_for_still_differ() -> None:
    levels = tuple(f"level {i}" for i in range(40))
    form = RowFormat((Column("kind", "category", levels),), code=16)
    codes = form.encode([{"kind": name} for name in levels], list(levels)).x["cells"][:, 0, 2:]
    torch.testing.assert_close(codes.norm(dim=-1), torch.ones(40))
    assert len({tuple(code) for code in codes.tolist()}) == 40


def test_columns_that_never_vary_are_not_divided_by_nothing() -> None:
    form = RowFormat().fitted([{"a": 0.1, "b": None}] * 3, NAMES)
    assert form.encode([{"a": 0.1, "b": 5}], ["q"]).x["cells"][0, :, 0].tolist() == pytest.approx([0, 5])


def test_more_columns_than_slots_are_refused() -> None:
    with pytest.raises(DataError, match="3 columns, but this model takes 2"):
        RowFormat(slots=2).fitted(ROWS, NAMES)


def test_without_columns_the_support_decides(tmp_path: Path) -> None:
    (tmp_path / "support.csv").write_text("x,w,label\n1,2,a\n3,5,b\n")
    (tmp_path / "query.csv").write_text("w,x\n2,1\n")
    form = RowFormat(slots=4)
    support, _ = form.read_support(tmp_path / "support.csv")
    query = form.for_support(tmp_path / "support.csv").read_query(tmp_path / "query.csv")
    torch.testing.assert_close(query.x["cells"][0], support.x["cells"][0])
    with pytest.raises(DataError, match="let the support decide"):
        form.read_query(tmp_path / "query.csv")


def test_classes_keep_the_order_of_training(tmp_path: Path) -> None:
    path = tmp_path / "support.csv"
    path.write_text("x,label\n1,ill\n3,well\n")
    form = RowFormat((Column("x"),), classes=("well", "ill"))
    support, examples = form.read_support(path)
    assert (support.labels, support.y.tolist(), examples.notes[1:]) == (("well", "ill"), [1, 0], ())
    path.write_text("x,label\n1,yes\n3,no\n")
    support, examples = form.read_support(path)
    assert support.labels == ("yes", "no")
    assert "trained to tell well, ill" in examples.notes[-1]


HOSTILE = "<script>alert(1)</script>\"'&"


def test_a_view_is_inert_and_names_its_parts() -> None:
    found = RowFormat().fitted([{HOSTILE: HOSTILE}, {HOSTILE: "b"}], NAMES).encode([{HOSTILE: HOSTILE}], [HOSTILE])
    view = found.views[0]
    assert view.parts == (HOSTILE,)
    for drawn in (view.small(), view.large(), view.shaded(np.array([0.5]))):
        assert "<script" not in drawn
        assert "style=" not in drawn


def test_shading_says_sign_and_figure_besides_colour() -> None:
    view = RowView("q", ("a", "b"), ("1", "missing"))
    drawn = view.shaded(np.array([0.25, -1.0]))
    assert "+0.25" in drawn
    assert "−1.00" in drawn
    assert "var(--for)" in drawn
    assert "var(--against)" in drawn
    assert "missing" in drawn


@pytest.mark.parametrize("columns", [1, 4, 5, 15, 16, 60])
def test_views_keep_to_their_heights(columns: int) -> None:
    view = RowView("q", tuple(map(str, range(columns))), ("1",) * columns)
    heights = [int(drawn.split('height="')[1].split('"')[0]) for drawn in (view.small(), view.large())]
    assert heights[0] <= 72
    assert heights[1] <= 640
    assert view.large().count("<g>") == min(columns, 39)  # and how many more there are
    assert 'width="230"' in view.large()  # what fits a small screen


def test_of_many_columns_those_that_say_most_are_shaded() -> None:
    view = RowView("q", tuple(f"column {c}" for c in range(60)), ("1",) * 60)
    shares = np.zeros(60)
    shares[[7, 59]] = 1.0, -0.5
    drawn = str(view.shaded(shares))
    assert ">column 59<" in drawn
    assert ">column 7<" in drawn
    assert ">column 50<" not in drawn
    assert "… + 21" in drawn
