"""Texts as models see them: tokens of any language, hashed n-grams, bad input in one line, and how they are shown."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewsight.domains import open_domain, read_format
from fewsight.domains.texts.format import TextFormat
from fewsight.domains.texts.tokens import SPACE, gram_ids, normal, tokenize
from fewsight.domains.texts.view import TextView
from fewsight.errors import DataError

FORM = TextFormat(length=8, grams=16)


def words(text: str) -> list[str]:
    return [text[token.start : token.end] for token in tokenize(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't panic, it's 3 km!", ["Don't", "panic", "it's", "3", "km"]),
        ("'quoted' — can’t", ["quoted", "can’t"]),
        ("我喜欢 tea", ["我", "喜", "欢", "tea"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("[head] Cris Carter [/head] plays", ["[head]", "Cris", "Carter", "[/head]", "plays"]),
        ("so good 😀❤️!", ["so", "good"]),
        ("'' ’ … 😀", []),
    ],
)
def test_tokens_of_any_language(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(max_size=60))
def test_tokens_are_ordered_disjoint_and_hold_all_letters_and_digits(text: str) -> None:
    found = tokenize(text)
    ends = [0, *(token.end for token in found)]
    assert all(end <= token.start < token.end for end, token in zip(ends, found, strict=False))
    inside = {i for token in found for i in range(token.start, token.end)}
    assert all(i in inside for i, character in enumerate(text) if character.isalnum())


def test_words_that_share_pieces_share_ids_and_case_and_form_do_not_matter() -> None:
    weather, weathers, bank = (set(gram_ids(word, 64)) for word in ("weather", "weathers", "bank"))
    assert len(weather & weathers) > len(weather) / 2
    assert not weather & bank
    assert normal("CAFE\u0301", True) == normal("café", True) != normal("CAFE\u0301", False)
    first, second = FORM.encode(["Café", "CAFE\u0301"], ["a", "b"]).x["ids"]
    assert torch.equal(first, second)
    first, second = replace(FORM, lower=False).encode(["Café", "CAFE\u0301"], ["a", "b"]).x["ids"]
    assert not torch.equal(first, second)


def test_ids_are_the_published_hash() -> None:
    """crc32 of "=a", "<a>": a run reads the same ids on every machine and in every process."""
    assert gram_ids("a", 8) == (1 + 0x11840B8F % (SPACE - 1), 1 + 0x6FB782AB % (SPACE - 1))


@given(st.text(min_size=1, max_size=200), st.integers(1, 40))
def test_ids_are_in_range_and_as_many_as_fit(word: str, most: int) -> None:
    ids = gram_ids(word, most)
    assert 1 <= len(ids) <= most
    assert all(0 < each < SPACE for each in ids)


def test_encoded_texts_are_padded_masked_and_cut_with_a_note() -> None:
    long = " ".join(f"word{i}" for i in range(20))
    examples = FORM.encode(["two words", long, "Two  words!"], ["row 2", "row 3", "row 4"])
    x = examples.x
    assert x["ids"].dtype == torch.int64
    assert x["ids"].shape == (3, 8, 16)
    assert x["mask"].sum(1).tolist() == x["size"].tolist() == [2, 8, 2]
    assert (x["ids"][0, 2:] == 0).all()
    assert torch.equal(x["ids"][0], x["ids"][2])
    assert examples.notes == ("1 of 3 texts were cut after 8 tokens (row 3 first)", "1 of 3 texts repeat another one")
    assert examples.views[1].parts == tuple(f"word{i}" for i in range(8))
    again = FORM.ready(x)
    assert all(torch.equal(again[leaf], x[leaf]) for leaf in x)


def test_what_a_domain_keeps_becomes_what_encode_gives() -> None:
    texts = ["how are you", "我喜欢"]
    ready, given_ = FORM.ready(FORM.stored(texts)), FORM.encode(texts, ["a", "b"]).x
    assert all(torch.equal(ready[leaf], given_[leaf]) and ready[leaf].dtype == given_[leaf].dtype for leaf in given_)
    assert {leaf: tuple(value.shape[1:]) for leaf, value in ready.items()} == FORM.shape


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "no word to go by"),
        ("  \n ", "no word to go by"),
        ("😀 ❤️ 👍🏽", "no word to go by"),
        ("?!…", "no word to go by"),
        ("\ud800", "no word to go by"),
        (None, "the text is missing"),
        (float("nan"), "the text is missing"),
    ],
)
def test_unusable_text_is_one_clear_line(raw: object, why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        FORM.encode(["fine", raw], ["row 2", "row 3"])
    assert str(caught.value).startswith("row 3")
    assert "\n" not in str(caught.value)


def test_no_texts_at_all() -> None:
    with pytest.raises(DataError, match="no texts"):
        FORM.encode([], [])


def test_a_number_is_a_text_and_a_very_long_one_is_no_danger() -> None:
    assert FORM.encode([42, "x" * 1_000_000, "a " * 200_000], ["a", "b", "c"]).x["size"].tolist() == [1, 1, 8]


def test_a_run_keeps_its_format() -> None:
    assert read_format(json.loads(json.dumps({"kind": "texts", **FORM.to_json()}))) == FORM


# Files of a user.


def test_a_table_becomes_a_support_and_queries(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("text,label\npay my bill,bank\n,bank\nfly to rome,travel\n".replace("\n,bank", ""))
    support, examples = FORM.read_support(path)
    assert support.labels == ("bank", "travel")
    assert [name.split(":")[0] for name in examples.names] == ["row 2", "row 3"]
    assert examples.views[1].text == "fly to rome"
    assert FORM.read_query(path).x["size"].tolist() == [3, 3]
    assert FORM.read_query(Path("is my card lost")).views[0].parts == ("is", "my", "card", "lost")


def _table(rows: list[tuple[str, str]]) -> bytes:
    stream = StringIO()
    csv.writer(stream).writerows([("text", "label"), *rows])
    return stream.getvalue().encode()


def _tried(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mutated.csv"
    path.write_bytes(content)
    for read in (FORM.read_support, FORM.read_query):
        said = ""
        try:
            read(path)
        except DataError as error:
            said = str(error)
        assert "\n" not in said


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations")


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=4)), max_size=4))
def test_any_characters_end_in_a_result_or_one_line(folder: Path, rows: list[tuple[str, str]]) -> None:
    stream = StringIO()
    csv.writer(stream).writerows([("text", "label"), *rows])
    _tried(folder, stream.getvalue().encode("utf-8", "surrogatepass"))


# How they are shown.


class Reader(HTMLParser):
    """Collects the words and tags of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.spans, self.tags = "", [], set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "span":
            self.spans.append(dict(attributes))

    def handle_data(self, data: str) -> None:
        self.words += data


def view(text: str) -> TextView:
    return FORM.encode([text], ["it"]).views[0]  # type: ignore[return-value]


@given(st.text(max_size=80))
def test_a_view_shows_the_whole_text_and_nothing_of_it_is_markup(text: str) -> None:
    shown = view("a " + text.replace("\r", " "))
    for html in (shown.large(), shown.shaded(np.zeros(len(shown.parts)))):
        read = Reader(str(html))
        assert read.tags <= {"p", "span"}
        assert "".join(read.words.split()) == "".join("".join(map(_printable, shown.text)).split())
    assert len(Reader(str(shown.small())).words) <= 60


def _printable(character: str) -> str:
    return " " if character < " " or "\x7f" <= character <= "\x9f" else character


def test_shades_say_sign_and_size_in_colour_and_in_words() -> None:
    shown = view("storm <b>over</b> rome")
    read = Reader(str(shown.shaded(np.array([0.4, 0.0, -1.0, 0.05, 0.0]))))
    assert [span["title"] for span in read.spans] == ["+0.40", "−1.00", "+0.05"]
    assert ["var(--for) 18%" in span["style"] or "var(--against) 45%" in span["style"] for span in read.spans] == [
        True,
        True,
        False,
    ]
    assert "storm+" in read.words
    assert "over−" in read.words
    assert "<b>" in read.words


def test_what_was_cut_off_is_muted() -> None:
    read = Reader(str(view("a b c d e f g h the rest").large()))
    assert [span["title"] for span in read.spans] == ["not read: too long"]


def test_a_users_table_becomes_a_domain(tmp_path: Path) -> None:
    """Through `own_domain`: eight classes of six texts, divided by their names."""
    from fewsight.domains.format import Columns
    from fewsight.domains.tables.own import own_domain

    path = tmp_path / "mine.csv"
    path.write_bytes(_table([(f"thing number {i} of class {c}", f"class {c}") for c in range(8) for i in range(6)]))
    domain = own_domain("texts", FORM, path, Columns(), (0.5, 0.25, 0.25))
    task = domain.family("train", ways=3, shots=2, queries=2).draw(np.random.default_rng(0))
    assert task.support.x["ids"].shape == (6, 8, 16)
    assert task.query["mask"].sum(1).tolist() == [6] * 6


def test_registered() -> None:
    with pytest.raises(Exception, match="length"):
        open_domain("huffpost", None, lenght=3)
