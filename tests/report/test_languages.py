"""Does the page say in every language what it says in English, and leave names alone?"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
import torch
from page_digits import Digits
from page_reader import Element, read
from PIL import Image

import fewsight
from fewsight import cli, recipes
from fewsight.audit import audit
from fewsight.errors import DataError
from fewsight.explain import explain
from fewsight.learners import MAML, ProtoNet
from fewsight.networks import MLP
from fewsight.report import render, write_page
from fewsight.report.audit import render_audit
from fewsight.report.chinese_checks import CHECKS
from fewsight.report.chinese_inputs import INPUTS
from fewsight.report.chinese_notes import NOTES
from fewsight.report.chinese_questions import QUESTIONS
from fewsight.report.words import CATALOGUES, PHRASES, Words
from fewsight.task import Support
from fewsight.training import train

CHINESE = re.compile("[\u4e00-\u9fff]")
SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")
"""Three English words in a row are no technical term."""
NARROW = re.compile("(?<=[\u4e00-\u9fff”])[,:;?!()]")
"""Latin punctuation behind a Chinese letter."""
PHRASE = QUESTIONS | CHECKS | NOTES | INPUTS
COMPOSED = {
    "{phrase}: {number}",
    "{name}: This molecule is unlike all of the support (at most {number} alike): take the answer as a guess.",
    "{name}: its largest fragment was taken",
    "{name}: it was made neutral",
    "{name}: its largest fragment was taken and it was made neutral",
    "the closed form holds where an example's embedding does not depend on the other examples, which it does here, so "
    "leave_one_out is the one to read",
}
"""Phrases that the code puts together from several strings."""


def blanks(sentence: str) -> set[str]:
    return {name for _, name, *_ in Formatter().parse(sentence) if name}


def shown(page: Element, *, outside: tuple[str, ...] = ("script", "style", "pre", "dl")) -> Iterator[str]:
    """Every text a reader sees or hears, but for commands, data and settings."""
    for element in page.find():
        if element.tag in outside or any(element.inside(tag) for tag in outside):
            continue
        if not element.children:
            yield element.text
        yield from (element.attributes[name] for name in ("alt", "title", "aria-label") if name in element.attributes)


@pytest.mark.parametrize("language", CATALOGUES)
def test_keys_and_blanks_are_those_of_english(language: str) -> None:
    english, other = CATALOGUES["en"], CATALOGUES[language]
    assert set(other) == set(english)
    assert {key for key in english if blanks(other[key]) - {"count"} != blanks(english[key]) - {"count"}} == set()
    many = {key for key in english if not key.endswith("_one")}
    assert {key for key in many if blanks(other[key]) != blanks(english[key])} == set()


def test_every_chinese_sentence_is_chinese() -> None:
    sentences = {**CATALOGUES["zh"], **PHRASE}
    lettered = {key for key, said in sentences.items() if re.search(r"[A-Za-z]", re.sub(r"\{\w+\}", "", said))}
    assert {key for key in lettered if not CHINESE.search(sentences[key])} == {"language"}
    assert {key for key, said in sentences.items() if SENTENCE.search(said) or NARROW.search(said)} == set()


def test_blanks_of_phrases_are_those_of_their_translations() -> None:
    assert {english for english, said in PHRASE.items() if blanks(english) != blanks(said)} == set()


@pytest.mark.parametrize("english", PHRASE)
def test_no_phrase_is_taken_for_another(english: str) -> None:
    filled = {
        name: "7" if name == "number" else "zeros" if name == "phrase" else f"'{name}'" for name in blanks(english)
    }
    expected = PHRASE[english].format(**filled | ({"phrase": PHRASE["zeros"]} if "phrase" in filled else {}))
    assert PHRASES["zh"](english.format(**filled)) == expected


def test_phrases_stand_in_the_code_as_they_are_translated() -> None:
    """A sentence that was rewritten in English leaves its translation behind: this says which."""
    written = [re.compile(pattern, re.DOTALL) for pattern in patterns()]
    bare = {english: re.sub(r"\{\w+\}", "\0", english) for english in PHRASE}
    stale = {english for english, text in bare.items() if not any(pattern.fullmatch(text) for pattern in written)}
    assert stale == COMPOSED


def patterns() -> set[str]:
    """The strings of the package, blanks taking anything, whole and in the parts that are put together with "; "."""
    found = set()
    for path in Path(fewsight.__file__).parent.rglob("*.py"):
        if "report" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                pieces = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
                text = "".join(map(str, pieces))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = re.sub(r"\{\w+\}", "{}", node.value)
            else:
                continue
            found |= {text, *text.split("; ")}
    lettered = {text for text in found if len(text.replace("{}", "")) > 4}
    return {".+?".join(map(re.escape, text.split("{}"))) for text in lettered}


def test_names_are_never_translated() -> None:
    words = Words("zh")
    assert words.told("probability of 'zeros'") == "'zeros' 的概率"
    assert words.told("no vote; zeros") == "没有投票；零"
    assert words.told("zeros; of unknown make") == "zeros; of unknown make"
    assert Words("en").told("no vote; zeros") == "no vote; zeros"


def test_an_unknown_language_names_the_known_ones(digits: Digits, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'xx'; known: en, zh"):
        write_page(digits.analysis, tmp_path / "page.html", language="xx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["explain", "audit"])
def test_an_unknown_language_is_one_line_before_the_work(
    command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = str(tmp_path / "missing")
    given = ["--support", nowhere, "--query", nowhere, "--out", f"{nowhere}.html", "--lang", "xx"]
    monkeypatch.setattr(sys, "argv", ["fewsight", command, nowhere, *given])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert capfd.readouterr().err == "error: no page in the language 'xx'; known: en, zh\n"


def test_the_page_of_digits_is_chinese_and_keeps_its_numbers(digits: Digits) -> None:
    pictures = {"support_views": digits.support_images, "query_view": digits.query_image}
    english, chinese = (read(render(digits.analysis, **pictures, language=language)) for language in ("en", "zh"))
    assert chinese.find("html")[0].attributes["lang"] == "zh-Hans"
    assert chinese.find("h1")[0].text == f"为什么是“{digits.analysis.labels[digits.analysis.predicted]}”？"

    def figures(page: Element) -> list[str]:
        cards = page.find("li", class_="card")
        cells = [cell.text for cell in page.find("td") if not re.search(r"[A-Za-z\u4e00-\u9fff]", cell.text)]
        return [*(card.find("span", class_="value")[0].text for card in cards), *cells]

    assert figures(chinese) == figures(english)
    assert len(figures(chinese)) > 30
    assert len(chinese.find()) == len(english.find())


@pytest.mark.parametrize("kinds", [None, ["prototypes", "prototype_channels", "interactions", "change"]], ids=str)
def test_a_page_that_explain_made_leaves_no_english_sentence(kinds: list[str] | None) -> None:
    torch.manual_seed(0)
    network = MLP((16, 4), "tanh")
    learner = ProtoNet(network) if kinds else MAML.build(network, outputs=2, inner_lr=0.1, inner_steps=2)
    support = Support.of(torch.randn(3, 1, 4, 4), ["cat", "cat", "dog"])
    analysis = explain(learner.eval(), support, torch.randn(1, 4, 4), kinds)
    assert len(analysis.explanations) >= (len(kinds) if kinds else 12)
    texts = list(shown(read(render(analysis, query_view=np.zeros((4, 4), np.uint8), language="zh"))))
    assert sum(bool(CHINESE.search(text)) for text in texts) > 100
    assert [text for text in texts if SENTENCE.search(text)] == []
    assert [text for text in texts if NARROW.search(text)] == []


def test_the_audit_is_chinese(tmp_path: Path) -> None:
    settings = ["steps=2", "network.hidden=8", "validate_tasks=2", "strategy=loop"]
    train(recipes.load("digits-protonet", settings), tmp_path / "run", progress=False)
    rng, rows = np.random.default_rng(0), ["file,group"]
    for name in ("ring", "bar"):
        for index in range(6):
            part = "support" if index < 3 else "query"
            folder = tmp_path / part / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / f"{index}.png")
            rows += [f"{name}/{index}.png,{'odd' if index % 2 else 'even'}"] if part == "query" else []
    (tmp_path / "groups.csv").write_text("\n".join(rows))
    record, task = audit(tmp_path / "run", tmp_path / "support", [tmp_path / "query"], groups=tmp_path / "groups.csv")
    page = read(render_audit(replace(record, command="fewsight audit"), task.examples.views, "zh"))
    assert page.find("html")[0].attributes["lang"] == "zh-Hans"
    texts = list(shown(page))
    assert sum(bool(CHINESE.search(text)) for text in texts) > 50
    assert [text for text in texts if SENTENCE.search(text) or NARROW.search(text)] == []
