"""What is said of a person's own task beside its answers: repeats, nearness, simple methods, none of these."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fewsight import recipes
from fewsight.audit import audit
from fewsight.domains import Columns
from fewsight.errors import DataError, LearnerError
from fewsight.estimator import FewShotClassifier
from fewsight.recipes.own import own_recipe
from fewsight.report.audit import render_audit
from fewsight.report.numerals import percent
from fewsight.report.words import Words
from fewsight.training import Run, train
from fewsight.usertask import UserTask, read_task, simple_answers, simply

Invoke = Callable[..., tuple[int, str, str]]
WORDS = [
    f"{colour}{place}"
    for colour in ("red", "blue", "black", "white")
    for place in ("north", "south", "up", "left", "far")
]
HARDLY = ["steps=2", "validate_every=2", "validate_tasks=2", "strategy=loop"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hardly trained run on 20 classes of texts, each with a word of its own; a support of two classes."""
    folder = tmp_path_factory.mktemp("own")
    table = folder / "mine.csv"
    rows = [f"{word} {other} number {i},{word}" for word in WORDS for i, other in enumerate(WORDS[:6])]
    table.write_text("\n".join(["text,label", *rows]))
    recipe = own_recipe(table, None, Columns())[0]
    train(recipes.override(recipe, [*HARDLY, "network.usage=8"]), folder / "run", progress=False)
    support = "text,label\nthe cat sat,cat\na cat ran,cat\nthe dog sat,dog\na dog ran,dog\n"
    (folder / "support.csv").write_text(support)
    return folder


def asked(folder: Path, query: str, support: str = "support.csv") -> UserTask:
    return read_task(folder / "run", folder / support, Path(query))


def test_a_query_among_the_examples_is_no_test(folder: Path, fewsight: Invoke) -> None:
    assert asked(folder, "a cat slept").doubts == ()
    (doubt,) = asked(folder, "The cat, sat!").doubts
    assert doubt == "the query is one of your examples too (row 2: the cat sat): this answer is no test"
    (folder / "q.csv").write_text("text,label\na cat slept,cat\nthe dog sat,dog\na cat ran,cat\n")
    record, task = audit(folder / "run", folder / "support.csv", folder / "q.csv")
    expected = "2 of 3 queries are your examples too (row 3: the dog sat first): answers to them are no test"
    assert task.doubts == (expected,)
    assert record.repeats == (expected,)
    assert Words("zh").told(expected) in render_audit(record, task.examples.views, "zh")
    given = ["--support", folder / "support.csv", "--query", folder / "q.csv"]
    assert f"caveat: {expected}" in fewsight("predict", folder / "run", *given)[1]


def test_equal_examples_with_different_labels_are_doubted(folder: Path) -> None:
    (folder / "odd.csv").write_text("text,label\nthe cat sat,cat\nThe cat sat.,dog\na dog ran,dog\n")
    (doubt,) = asked(folder, "hello", "odd.csv").doubts
    assert doubt.startswith("row 3: The cat sat. is the same as row 2: the cat sat but labelled otherwise (1 of")
    assert Words("zh").told(doubt) != doubt


def test_simple_methods_answer_from_the_same_support(folder: Path) -> None:
    task = asked(folder, "a cat slept")
    assert simply(task) == dict.fromkeys(simple_answers(task), "cat")
    assert len(simply(task)) == 3
    assert [Words("zh").told(name) for name in simply(task)] != list(simply(task))


def test_an_audit_says_first_which_simple_method_wins(folder: Path) -> None:
    """By words alone all is right; the learner is asked with labels that it cannot get right all."""
    (folder / "q.csv").write_text("text,label\na cat slept,cat\nthe dog slept,dog\n")
    record, task = audit(folder / "run", folder / "support.csv", folder / "q.csv")
    assert record.simple == dict.fromkeys(simple_answers(task), 1.0)
    assert record.population.performance is not None
    own = record.population.performance.accuracy
    assert bool(record.lost_to) == (own is not None and own < 1)
    (folder / "q.csv").write_text("text,label\na cat slept,dog\nthe dog slept,cat\n")
    wrong, _ = audit(folder / "run", folder / "support.csv", folder / "q.csv")
    assert wrong.simple == dict.fromkeys(record.simple, 0.0)
    (folder / "q.csv").write_text("text\na cat slept\n")
    assert audit(folder / "run", folder / "support.csv", folder / "q.csv")[0].simple is None


def test_losing_is_the_first_thing_said(folder: Path) -> None:
    (folder / "q.csv").write_text("text,label\na cat slept,cat\nthe dog slept,dog\n")
    record, task = audit(folder / "run", folder / "support.csv", folder / "q.csv")
    performance = record.population.performance
    assert performance is not None
    half = replace(record.population, performance=replace(performance, accuracy=0.5))
    lost = replace(record, population=half, simple={"level": 0.5, "better": 0.75, "best": 1.0, "worse": 0.0})
    assert lost.lost_to == ["best", "better"]
    assert lost.losses[0] == "THE LEARNER LOSES to best, which answers 100.0% of the queries rightly"
    assert str(lost).index("LOSES to best") < str(lost).index("LOSES to better")
    sentence = Words("en")("audit_lost", name="best", better=percent(1.0), accuracy=percent(0.5))
    page = html.unescape(render_audit(lost, task.examples.views))
    assert sentence in page
    level = replace(lost, simple={"level": 0.5, "worse": 0.0})
    assert level.lost_to == []
    assert "LOSES" not in str(level)


def test_none_of_these_is_said_by_the_command_and_by_the_estimator(folder: Path, fewsight: Invoke) -> None:
    run, support = folder / "run", folder / "support.csv"
    (folder / "q.csv").write_text("text\na cat slept\nstocks fell\n")
    given = ["predict", run, "--support", support, "--query", folder / "q.csv", "--none-of-these", "0.2", "--json"]
    status, out, _ = fewsight(*given)
    told = json.loads(out)
    assert status == 0
    assert told["rejection"]["rate"] == 0.2
    texts = ["the cat sat", "a cat ran", "the dog sat", "a dog ran"]
    model = FewShotClassifier(run).fit(texts, ["cat", "cat", "dog", "dog"])
    rejection = model.rejection(0.2)
    assert rejection.threshold == pytest.approx(told["rejection"]["threshold"])
    rejects = model.rejects(["a cat slept", "stocks fell"], rejection)
    assert [row["none of these"] for row in told["predictions"]] == rejects.tolist()


def test_what_cannot_be_calibrated_is_said(folder: Path) -> None:
    from fewsight.rejection import calibrated

    (folder / "many.csv").write_text("\n".join(["text,label", *(f"word {i},class {i}" for i in range(9))]))
    with pytest.raises(DataError, match="one class more than the task has"):
        calibrated(Run.open(folder / "run"), asked(folder, "hello", "many.csv").support)
    with pytest.raises(LearnerError, match="without a run"):
        FewShotClassifier().fit([[0.0], [1.0]], [0, 1]).rejection()
