"""The page draws the query and its variants as structures, and says what they change, in every language."""

from __future__ import annotations

import re
from functools import cache

import pytest
import torch
from page_reader import Element, read
from torch import nn

from fewsight import explain, tree
from fewsight.domains import Examples, offers
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.explain.analysis import Analysis
from fewsight.learners import create
from fewsight.report import render
from fewsight.report.pairs import DRAWN
from fewsight.task import Support

FORM = MoleculeFormat(atoms=16)
MOLECULES = ("Clc1ccccc1", "CCCCl", "Oc1ccccc1", "CCCC")
CHLORINE = 5


class Chlorine(nn.Module):
    """Whether there is any."""

    def forward(self, x: tree.Tree) -> torch.Tensor:
        return (x["nodes"][..., CHLORINE] * x["mask"]).sum(1, keepdim=True).clamp(max=1)


@cache
def analysed(query: str) -> tuple[Analysis, Examples, Examples]:
    support, asked = FORM.encode(MOLECULES, MOLECULES), FORM.encode([query], ["query"])
    found = explain(
        create("protonet", Chlorine()),
        Support.of(support.x, ["with", "with", "without", "without"]),
        asked.x,
        what="matched_pairs",
        parts=asked.views[0].parts,
        offers=offers(FORM, asked, support),
    )
    return found, support, asked


def section(query: str, language: str = "en", views: bool = True) -> Element:
    found, support, asked = analysed(query)
    shown = {"support_views": support.views, "query_view": asked.views[0]} if views else {}
    (change,) = read(render(found, **shown, language=language)).find("section", id="change")
    return change


def test_what_goes_and_what_comes_are_shaded_side_by_side() -> None:
    change, found = section("Clc1ccncc1"), analysed("Clc1ccncc1")[0]
    pairs = found["matched_pairs"].provenance["pairs"]
    drawn = change.find("ul", class_="pairs")[0].find("li")
    assert len(drawn) == DRAWN
    for item, pair in zip(drawn, pairs, strict=False):
        before, after = item.find("svg")
        assert "Clc1ccncc1" in before.find("title")[0].text
        assert after.find("title")[0].text == pair["text"]
        assert len(before.find("ellipse")) == len(pair["taken"])
        assert len(after.find("ellipse")) == len(pair["put"])
        assert pair["change"] in item.find("p")[0].text
    rows = change.find("table")[0].find("tbody")[0].find("tr")
    assert [row.find("th")[0].text for row in rows] == [pair["change"] for pair in pairs]
    assert "With –Cl → –H (1 part exchanged) the new example would be “without”: c1ccncc1." in change.text


def test_where_nothing_changes_the_answer_the_page_says_so() -> None:
    change, found = section("Clc1ccc(Cl)cc1"), analysed("Clc1ccc(Cl)cc1")[0]
    count = found["matched_pairs"].provenance["variants"]
    assert f"None of {count} small real changes" in change.text
    assert change.find("ul", class_="pairs")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_views_the_sentence_stands_alone(language: str) -> None:
    change = section("Clc1ccncc1", language, views=False)
    assert not change.find("svg")
    assert "c1ccncc1" in change.text


def test_in_chinese_nothing_is_left_in_english() -> None:
    text = section("Clc1ccncc1", "zh").text
    assert re.search("[\u4e00-\u9fff]", text)
    assert not re.search(r"[A-Za-z]{3,} [A-Za-z]{3,} [A-Za-z]{3,}", text)
