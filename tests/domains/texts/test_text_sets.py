"""CLINC150, HuffPost and FewRel as published: their counts, their splits, and what words alone give away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from fewsight import tree
from fewsight.domains import Episodes, open_domain
from fewsight.domains.domain import ClassDomain
from fewsight.domains.texts.clinc import out_of_scope
from fewsight.domains.texts.fewrel import marked
from fewsight.domains.texts.format import TextFormat
from fewsight.domains.texts.lexical import lexical_baselines, tfidf
from fewsight.domains.texts.tokens import SPACE, tokenize
from fewsight.errors import DataError
from fewsight.task import Support, Task
from realdata import absent


@pytest.fixture(scope="module")
def opened(data_dir: Path) -> Callable[..., ClassDomain]:
    """The domain of that name, or a skipped test where its files are absent."""
    kept: dict[str, ClassDomain] = {}

    def open_(name: str) -> ClassDomain:
        if not (data_dir / name).is_dir():
            absent(f"{name} in {data_dir}")
        if name not in kept:
            kept[name] = open_domain(name, data_dir)  # type: ignore[assignment]
        return kept[name]

    return open_


@pytest.mark.parametrize(
    ("name", "classes", "least"),
    [("clinc150", (90, 30, 30), 149), ("huffpost", (20, 5, 16), 855), ("fewrel", (17, 8, 8), 100)],
)
def test_splits_have_their_classes_and_share_none(
    opened: Callable[..., ClassDomain], name: str, classes: tuple[int, ...], least: int
) -> None:
    domain = opened(name)
    assert domain.splits == ("train", "val", "test")
    assert tuple(len(domain.classes[split]) for split in domain.splits) == classes
    named = [each for split in domain.splits for each in domain.classes[split].names]
    assert len(named) == len(set(named))
    assert min(tree.length(inputs) for split in domain.splits for inputs in domain.classes[split].inputs) == least
    for inputs in domain.classes["test"].inputs:
        assert inputs["size"].min() > 0
        assert len(torch.unique(inputs["ids"].flatten(1), dim=0)) >= 0.97 * tree.length(inputs)
    assert int(domain.classes["test"].inputs[0]["ids"].max()) < SPACE
    assert next(iter(domain.inputs("val")))["mask"].any()


def test_clinc_keeps_domains_apart_or_divides_at_random(opened: Callable[..., ClassDomain], data_dir: Path) -> None:
    domain = opened("clinc150")
    assert {"mpg", "recipe"} <= set(domain.classes["test"].names)
    random = open_domain("clinc150", data_dir, split="random")
    assert isinstance(random, ClassDomain)
    assert [len(random.classes[split]) for split in random.splits] == [90, 30, 30]
    assert set(random.classes["test"].names) != set(domain.classes["test"].names)
    assert random.fingerprint != domain.fingerprint


def test_what_is_out_of_scope(opened: Callable[..., ClassDomain], data_dir: Path) -> None:
    opened("clinc150")
    sizes = {part: tree.length(out_of_scope(TextFormat(), part, data_dir)) for part in ("train", "val", "test")}  # type: ignore[arg-type]
    assert sizes == {"train": 100, "val": 100, "test": 1000}


@pytest.mark.parametrize(("name", "shots", "published"), [("clinc150", 5, 0.92), ("huffpost", 5, 0.365)])
def test_tf_idf_gives_what_it_is_known_to_give(
    opened: Callable[..., ClassDomain], name: str, shots: int, published: float
) -> None:
    tasks = Episodes(opened(name).family("test", ways=5, shots=shots, queries=15), 0, "test").batch(0, 60)
    method = lexical_baselines()["centroid on TF-IDF"]
    right = [float((method(task).argmax(-1) == task.target).double().mean()) for task in tasks]  # type: ignore[union-attr]
    assert abs(np.mean(right) - published) < 4 * np.std(right) / 60**0.5


def test_entities_are_marked() -> None:
    sentence = marked(["Carter", "plays", "for", "the", "Eagles", "."], [0], [3, 4])
    assert sentence == "[head] Carter [/head] plays for [tail] the Eagles [/tail] ."
    assert [sentence[a:b] for a, b in tokenize(sentence)][:3] == ["[head]", "Carter", "[/head]"]
    assert marked(["x"], [0], [0]) == "[head] [tail] x [/tail] [/head]"


def test_tf_idf_is_scikit_learns() -> None:
    """On texts of words of one letter, whose only n-gram beside the word is the marked word: the same terms, twice."""
    texts, asked = ["a b b c", "b c d", "e a a"], ["a b", "c c d", "b z"]
    form = TextFormat(length=8, grams=4)
    x, query = (form.encode(each, each).x for each in (texts, asked))
    task = Task(Support.of(x, ["p", "q", "p"]), query, torch.tensor([0, 1, 0]))
    vectorizer = TfidfVectorizer(token_pattern=r"\S")
    support = vectorizer.fit_transform(texts).toarray()
    rows = vectorizer.transform(asked).toarray()
    ours, theirs = tfidf(task)
    np.testing.assert_allclose(ours @ ours.T, support @ support.T, atol=1e-9)
    np.testing.assert_allclose(theirs @ ours.T, rows @ support.T, atol=1e-9)


def test_lexical_baselines_see_only_examples_that_are_there() -> None:
    form = TextFormat(length=8, grams=4)
    x = form.encode(["a b", "c d", "x y"], ["1", "2", "3"]).x
    support = Support.of(x, ["p", "q", "q"], weight=torch.tensor([1.0, 1, 0]))
    task = Task(support, form.encode(["a z", "d"], ["1", "2"]).x, torch.tensor([0, 1]))
    gone = Task(support.take(torch.tensor([0, 1])), task.query, task.target)
    for method in lexical_baselines().values():
        scores, again = method(task), method(gone)
        assert scores is not None
        assert again is not None
        torch.testing.assert_close(scores, again)
        assert scores.argmax(-1).tolist() == [0, 1]


def test_damaged_file_is_named(opened: Callable[..., ClassDomain], data_dir: Path, tmp_path: Path) -> None:
    opened("huffpost")
    (tmp_path / "huffpost.json").write_bytes((data_dir / "huffpost/huffpost.json").read_bytes()[:-9])
    with pytest.raises(DataError, match="is corrupt or not the published file"):
        open_domain("huffpost", tmp_path)
