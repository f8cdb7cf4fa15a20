"""Table files: what is written comes back, and what is damaged ends in one line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewsight.domains.tables.file import MISSING, number, read_table
from fewsight.errors import DataError

cell = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=8)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=6), delimiter=st.sampled_from(",;\t"))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list, delimiter: str) -> None:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([("text", "label"), *rows])

    def expected(value: str) -> str | None:
        return None if value.strip().casefold() in MISSING else value.strip()

    assert read_table(path) == {
        "text": [expected(row[0]) for row in rows],
        "label": [expected(row[1]) for row in rows],
    }


def test_a_byte_order_mark_quotes_and_lines_inside_a_value(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes('\ufefftext,label\r\n"a, ""b""\nc",x\r\n'.encode())
    assert read_table(path) == {"text": ['a, "b"\nc'], "label": ["x"]}


def test_parquet_gives_the_same_table(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = {"text": ["one", None], "value": [0.5, float("nan")], "whole": [1, 2]}
    parquet.write_table(pa.table(table), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet") == {"text": ["one", None], "value": [0.5, None], "whole": [1, 2]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no columns"),
        (b"text,label\n", "no rows"),
        (b"text,text\na,b\n", "two columns named 'text'"),
        (b"text,\na,b\n", "column 2 has no name"),
        (b"text,label\na\n", "row 2: 1 values for 2 columns"),
        (b"text,label\n\xff,b\n", "not UTF-8"),
        (b"text,label\n\x00,b\n", "binary data"),
        (b'text,label\n"a,b\n', "not a proper table"),
    ],
)
def test_damage_is_one_line_that_names_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match="no table that can be read"):
        read_table(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="not there"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="Parquet"):
        read_table(tmp_path / "t.parquet")


def test_numbers() -> None:
    assert [number(value) for value in ("1.5", " 2 ", 3, "x", None, "inf", float("nan"))] == [
        1.5, 2.0, 3.0, None, None, None, None,
    ]  # fmt: skip
