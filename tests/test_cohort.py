"""Labels from folders and groups from a CSV file: what is read, and one clear line for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewsight.cohort import folder_labels, read_groups
from fewsight.errors import DataError

QUERIES, SUPPORT = ("bar/0.png", "ring/0.png"), ("bar/1.png", "ring/1.png")


def test_labels_are_the_class_folders() -> None:
    assert folder_labels(QUERIES, ["bar", "ring"]) == ("bar", "ring")
    assert folder_labels(["ring/deep/0.png"], ["bar", "ring"]) == ("ring",)
    assert folder_labels(["0.png", "other/1.png"], ["bar", "ring"]) is None
    with pytest.raises(DataError, match=r"query other/1.png lies in no folder of a support class \(bar, ring\)"):
        folder_labels(["ring/0.png", "other/1.png"], ["bar", "ring"])


def groups(folder: Path, text: str) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    path = folder / "groups.csv"
    path.write_text(text, encoding="utf-8")
    return read_groups(path, QUERIES, SUPPORT)


def test_groups_are_read_in_the_order_of_the_files(tmp_path: Path) -> None:
    assert groups(tmp_path, "file,group\nring/0.png,old\nbar/0.png,young\n") == (("young", "old"), None)
    assert groups(tmp_path, "file;group\nring/0.png;old, or so\nbar/0.png;y\n") == (("y", "old, or so"), None)
    rows = ("set,group,file", "support,a,ring/1.png", "query,b,ring/0.png", "query,c,bar/0.png", "support,d,bar/1.png")
    assert groups(tmp_path, "\ufeff" + "\n".join(rows)) == (("c", "b"), ("d", "a"))


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "file,age\nring/0.png,old\n": "no column 'group' \\(it has 'file', 'age'\\)",
        "": "no column 'file' \\(it has none\\)",
        "file,group\nring/0.png,old\n": "no group for query file 'bar/0.png' \\(1 in all\\)",
        "file,group\nring/9.png,old\n": "line 2: there is no query file 'ring/9.png'",
        "file,group\nring/0.png,old\nring/0.png,old\n": "line 3: query file 'ring/0.png' is listed twice",
        "file,group\nring/0.png,\n": "line 2: query file 'ring/0.png' has no group",
        "set,file,group\ntest,ring/0.png,old\n": "set is 'test'; give query or support",
        "set,file,group\n,ring/0.png,o\n,bar/0.png,o\nsupport,bar/1.png,o\n": "no group for support file 'ring/1.png'",
    }.items(),
)
def test_bad_group_files_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        groups(tmp_path, text)
    assert "\n" not in str(error.value)


def test_files_that_are_not_there_or_no_text_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the groups file"):
        read_groups(tmp_path / "nothing.csv", QUERIES, SUPPORT)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00file")
    with pytest.raises(DataError, match="cannot read the groups file"):
        read_groups(tmp_path / "binary.csv", QUERIES, SUPPORT)
