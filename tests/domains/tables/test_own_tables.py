"""A person's own table: as a support, as queries, as a domain of classes or of tasks; guesses are said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from words import Cells, Vowels

from fewsight.domains import Columns, Episodes
from fewsight.domains.domain import ClassDomain, GivenDomain
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.tables.own import own_domain
from fewsight.errors import DataError

SUPPORT = "utterance,class,who\naa,x,me\nbee,y,you\na ee,y,me\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(SUPPORT)
    return path


def test_columns_are_guessed_and_the_guess_is_said(table: Path) -> None:
    support, examples = Vowels().read_support(table)
    assert support.labels == ("x", "y")
    assert support.y.tolist() == [0, 1, 1]
    assert support.x.tolist() == [[2, 0, 0, 0, 0], [0, 2, 0, 0, 0], [1, 2, 0, 0, 0]]
    assert examples.names == ("row 2: aa", "row 3: bee", "row 4: a ee")
    assert examples.notes == (
        "column 'utterance' was taken for the input",
        "column 'class' was taken for the label",
    )
    assert examples.groups is None


def test_named_columns_are_taken_and_absent_ones_named(table: Path) -> None:
    _, examples = Vowels().read_support(table, Columns("utterance", "who", group="class"))
    assert examples.labels == ("me", "you", "me")
    assert examples.groups == ("x", "y", "y")
    assert examples.notes == ()
    with pytest.raises(DataError, match="no column 'clas'; did you mean 'class'"):
        Vowels().read_support(table, Columns(label="clas"))


def test_rows_take_every_column_that_means_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("first,second,label\na,e,x\ni,o,y\n")
    support, _ = Cells().read_support(path)
    assert support.x.tolist() == [[1, 1, 0, 0, 0], [0, 0, 1, 1, 0]]
    path.write_text("label\nx\ny\n")
    with pytest.raises(DataError, match="no feature columns"):
        Cells().read_support(path)


def test_numbers_are_values_where_some_are_not_whole_or_the_column_says_so(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text,target\na,1.5\ne,2\n")
    assert Vowels().read_support(path)[0].y.tolist() == [[1.5], [2.0]]
    path.write_text("text,label\na,1\ne,2\n")
    assert Vowels().read_support(path)[0].labels == ("1", "2")
    path.write_text("text,value\na,1\ne,2\n")
    assert Vowels().read_support(path)[0].ways is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("words,label\na,x\ne,y\n", "no column named 'text' or 'sentence'"),
        ("text,kind\na,x\ne,y\n", "no column of labels"),
        ("text,label\na,x\ne,\n", "row 3: the label is missing"),
        ("text,label\na,x\ne,x\n", "one class only"),
        ("text,label\n,x\ne,y\n", "row 2 is empty"),
    ],
)
def test_bad_supports(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        Vowels().read_support(path)


def test_a_query_is_a_table_or_the_text_itself(table: Path) -> None:
    assert Vowels().read_query(table).x.shape == (3, 5)
    alone = Vowels().read_query(Path("where is my parcel?"))
    assert alone.x.tolist() == [[1, 3, 1, 0, 0]]
    assert alone.names == ("where is my parcel?",)
    with pytest.raises(DataError, match="not there"):
        Vowels().read_query(Path("quary.csv"))


def test_without_tasks_classes_are_drawn_from(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{'a' * (c + 1)},class {c}" for c in range(10) for _ in range(4)]
    path.write_text("\n".join(["text,label", *rows]))
    domain = own_domain("mine", Vowels(), path, Columns())
    assert isinstance(domain, ClassDomain)
    assert [len(domain.classes[split]) for split in domain.splits] == [6, 2, 2]
    task = Episodes(domain.family("train", ways=3, shots=2, queries=2), 0, "train")[0]
    for label, counts in zip(task.support.y.tolist(), task.support.x[:, 0].tolist(), strict=True):
        assert task.support.labels is not None
        assert task.support.labels[label] == f"class {int(counts) - 1}"


def test_with_tasks_and_splits_each_task_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [
        f"{'aeiou'[(t + c) % 5]},{'yes' if c else 'no'},task {t},{'train' if t < 2 else 'test'}"
        for t in range(4)
        for c in (0, 1)
        for _ in range(3)
    ]
    path.write_text("\n".join(["text,label,task,split", *rows]))
    domain = own_domain("mine", Vowels(), path, Columns())
    assert isinstance(domain, GivenDomain)
    assert [[task.name for task in domain.tasks[split]] for split in domain.splits] == [
        ["task 0", "task 1"], [], ["task 2", "task 3"],
    ]  # fmt: skip
    task = Episodes(domain.family("test", ways=2, shots=1, queries=4), 0, "test")[0]
    assert task.support.labels == ("no", "yes")
    assert task.name in ("task 2", "task 3")
    path.write_text(path.read_text().replace("task 3,test", "task 0,test"))
    with pytest.raises(DataError, match="'task 0' lies in two splits"):
        own_domain("mine", Vowels(), path, Columns())


def test_values_by_task_are_a_regression(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["text,value,task", *(f"{'a' * i},{i / 2},t{i % 2}" for i in range(1, 13))]))
    domain = own_domain("mine", Vowels(), path, Columns(), (0.5, 0.0, 0.5))
    assert domain.outputs == 1
    task = Episodes(domain.family("train", ways=1, shots=3, queries=2), 0, "train")[0]
    assert torch.equal(task.target, task.query[:, :1] / 2)


def test_queries_may_lack_what_only_the_support_needs(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("text\na\n")
    assert Vowels().read_query(tmp_path / "q.csv", Columns(label="diagnosis")).labels is None
    with pytest.raises(DataError, match="no column 'words'"):
        Vowels().read_query(tmp_path / "q.csv", Columns(input="words"))


def test_a_feature_the_model_knows_is_no_label_or_group(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("y,group,label\n1,2,a\n3,4,b\n")
    form = RowFormat().fitted([{"y": 1, "group": 2}, {"y": 3, "group": 4}], ["first", "second"])
    support, examples = form.read_support(path)
    assert support.labels == ("a", "b")
    assert support.x["mask"].tolist() == [[1, 1], [1, 1]]
    assert examples.groups is None
    query = form.read_query(path)
    assert query.x["mask"].tolist() == [[1, 1], [1, 1]]
