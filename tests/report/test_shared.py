"""The page draws what the query shares with the examples that decided, and says what the shared part is worth."""

from __future__ import annotations

import re
from functools import cache

import pytest
import torch
from page_reader import Element, read
from torch import nn

from fewsight import explain, tree
from fewsight.domains import Examples
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.explain.analysis import Analysis
from fewsight.learners import create
from fewsight.report import render
from fewsight.report.words import Words
from fewsight.task import Support

FORM = MoleculeFormat(atoms=16)
MOLECULES = ("CCc1ccc(Cl)cc1", "CCCCCl", "Oc1ccccc1", "CCCCC")
CHLORINE, OXYGEN = 5, 2
MAPS = ("path", "integrated_gradients", "support_integrated_gradients")


class Chlorine(nn.Module):
    """How much there is of it, and of oxygen."""

    def forward(self, x: tree.Tree) -> torch.Tensor:
        return (x["nodes"][..., [CHLORINE, OXYGEN]] * x["mask"][..., None]).sum(1)


@cache
def analysed(what: tuple[str, ...]) -> tuple[Analysis, Examples, Examples]:
    support, asked = FORM.encode(MOLECULES, MOLECULES), FORM.encode(["Clc1ccc(CO)cc1"], ["query"])
    found = explain(
        create("protonet", Chlorine()),
        Support.of(support.x, ["with", "with", "without", "without"]),
        asked.x,
        what=what,
        names=MOLECULES,
        parts=asked.views[0].parts,
    )
    return found, support, asked


def evidence(what: tuple[str, ...] = MAPS, language: str = "en", views: bool = True) -> Element:
    found, support, asked = analysed(what)
    shown = {"support_views": support.views, "query_view": asked.views[0]} if views else {}
    (section,) = read(render(found, **shown, language=language)).find("section", id="evidence")
    return section


def test_query_and_example_stand_side_by_side_with_what_they_share_in_words() -> None:
    section = evidence()
    items = section.find("ul", class_="pairs")[0].find("li")
    assert 1 < len(items) <= 4
    told = {name: item for item in items for name in MOLECULES if f"“{name}”" in item.text}
    assert len(told) == len(items)
    for name, item in told.items():
        query, example = item.find("svg")
        assert "Clc1ccc(CO)cc1" in query.find("title")[0].text or "OCc1ccc(Cl)cc1" in query.find("title")[0].text
        assert name in example.find("title")[0].text
    chlorobenzene = told["CCc1ccc(Cl)cc1"].find("p")[0].text
    assert "8 of its 9 parts in common" in chlorobenzene
    assert {name for name, item in told.items() if "nothing to speak of" in item.text} == {"CCCCCl", "CCCCC"} & set(
        told
    )


def test_what_shared_parts_and_others_contribute_is_all_that_there_is() -> None:
    section, found = evidence(), analysed(MAPS)[0]
    table = section.find("ul", class_="pairs")[0].parent.find("table")[0]
    names = found.support_names
    for row in table.find("tbody")[0].find("tr"):
        example = names.index(row.find("th")[0].text)
        figures = [float(cell.text.replace("−", "-")) for cell in row.find("td")[-4:]]
        assert sum(figures[:2]) == pytest.approx(found["support_integrated_gradients"].values[example].sum(), abs=0.02)
        assert sum(figures[2:]) == pytest.approx(found["integrated_gradients"].values.sum(), abs=0.02)


def test_the_chlorine_that_both_have_is_blue_and_on_the_band() -> None:
    (item,) = [i for i in evidence().find("ul", class_="pairs")[0].find("li") if "“CCc1ccc(Cl)cc1”" in i.text]
    for drawn in item.find("svg"):
        fills = [rgb(shape.attributes["fill"]) for shape in drawn.find("ellipse")]
        assert sum(len(set(fill)) == 1 for fill in fills) >= 7  # grey: the ring and what hangs on it
        assert sum(fill[2] > fill[0] for fill in fills) == 1


def rgb(text: str) -> tuple[int, ...]:
    return tuple(int(text[i : i + 2], 16) for i in (1, 3, 5))


def test_without_maps_of_parts_the_band_is_drawn_alone() -> None:
    section = evidence(("path",))
    assert section.find("ul", class_="pairs")
    assert "Colour" not in section.text
    assert len(section.find("ul", class_="pairs")[0].parent.find("table")[0].find("thead")[0].find("th")) == 5


def test_without_views_there_is_nothing_to_compare() -> None:
    assert not evidence(views=False).find("ul", class_="pairs")


def test_in_chinese_nothing_is_left_in_english() -> None:
    items = evidence(language="zh").find("ul", class_="pairs")[0].parent
    assert re.search("[\u4e00-\u9fff]", items.text)
    assert not re.search(r"[A-Za-z]{3,} [A-Za-z]{3,} [A-Za-z]{3,}", items.text)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_values_are_compared_as_classes_are(language: str) -> None:
    support, asked = FORM.encode(MOLECULES, MOLECULES), FORM.encode(["Clc1ccc(CO)cc1"], ["query"])
    learner = create("ridge", Chlorine(), outputs=1)
    values = torch.tensor([[3.0], [2.5], [0.0], [0.5]])
    found = explain(learner, Support.of(support.x, values), asked.x, MAPS, names=MOLECULES, parts=asked.views[0].parts)
    page = read(render(found, support_views=support.views, query_view=asked.views[0], language=language))
    items = page.find("section", id="evidence")[0].find("ul", class_="pairs")[0].find("li")
    assert 1 <= len(items) <= 2
    assert all(len(item.find("svg")) == 2 for item in items)


def test_a_card_says_the_name_of_a_drawn_molecule() -> None:
    """The title of a drawing is heard, not seen."""
    names = [card.find("div", class_="name")[0].text for card in evidence().find("li", class_="card")]
    assert sorted(names) == sorted(MOLECULES)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_verdict_says_nearness_simple_answers_and_how_it_was_read(language: str) -> None:
    found, support, asked = analysed(MAPS)
    told = FORM.nearness(support, asked)
    page = render(
        found,
        query_view=asked.views[0],
        nearness=told,
        simple={"most similar molecule": "with", "random forest on fingerprints": "without"},
        notes=["support: column 'smiles' was taken for the input"],
        language=language,
    )
    (verdict,) = read(page).find("section", id="verdict")
    words = Words(language)
    assert words("simple_agree", agree=1, count=2, label="with") in verdict.text
    for sentence in (*told, "most similar molecule", "support: column 'smiles' was taken for the input"):
        assert words.told(sentence) in verdict.text
    assert (words.told(told[0]) == told[0]) == (language == "en")
