"""Is the page whole, inert, self-contained and true to the analysis?"""

from __future__ import annotations

import base64
import errno
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from page_digits import Digits, make_digits
from page_reader import Element, read

from fewsight.errors import DataError, RunError
from fewsight.explain import explain
from fewsight.explain.explanation import Explanation
from fewsight.learners import MAML, ProtoNet
from fewsight.networks import MLP
from fewsight.report import render, write_page
from fewsight.task import Support

HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", '" onload="alert(1)\'{{7*7}}')


def draw(digits: Digits, **changes: Any) -> Element:
    """The page of a digits analysis, some of it changed, read back."""
    pictures = {"support_views": digits.support_images, "query_view": digits.query_image}
    return read(render(replace(digits.analysis, **changes), **pictures, command="fewsight explain RUN --out page.html"))


def with_changed(digits: Digits, kind: str, **changes: Any) -> dict[str, Explanation]:
    explanations = digits.analysis.explanations
    return explanations | {kind: replace(explanations[kind], **changes)}


def section(page: Element, name: str) -> Element:
    (found,) = page.find("section", id=name)
    return found


def number(text: str) -> float:
    return float(text.replace("−", "-").rstrip("%"))


def table(figure: Element) -> dict[str, list[str]]:
    """The rows of the first table inside, by their head."""
    rows = figure.find("table")[0].find("tbody")[0].find("tr")
    return {row.find("th")[0].text: [cell.text for cell in row.find("td")] for row in rows}


def test_page_is_well_formed_and_its_parts_find_each_other(digits: Digits) -> None:
    page = draw(digits)
    ids = [element.attributes["id"] for element in page.find() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    named = [element for element in page.find() if "aria-labelledby" in element.attributes]
    assert named
    assert all(set(element.attributes["aria-labelledby"].split()) <= set(ids) for element in named)
    assert len(page.find("h1")) == 1
    assert page.find("html")[0].attributes["lang"] == "en"


def test_page_needs_nothing_outside_itself_and_runs_nothing(digits: Digits) -> None:
    page = draw(digits)
    links = [value for e in page.find() for name, value in e.attributes.items() if name in ("src", "href", "srcset")]
    assert len(links) > 10
    assert all(link.startswith(("data:image/png;base64,", "data:application/json;base64,", "#")) for link in links)
    style = page.find("style")[0].text + "".join(e.attributes.get("style", "") for e in page.find())
    assert "url(" not in style
    assert "@import" not in style
    assert [script.attributes["type"] for script in page.find("script")] == ["application/json"]
    (policy,) = (meta for meta in page.find("meta") if "http-equiv" in meta.attributes)
    assert policy.attributes["content"].startswith("default-src 'none'; img-src data:;")


def test_hostile_names_stay_text(digits: Digits) -> None:
    names = tuple(f"{HOSTILE[i % 3]}{i}" for i in range(len(digits.analysis.support_names)))
    explanations = {
        kind: replace(e, players=names if e.players == digits.analysis.support_names else e.players, target=HOSTILE[0])
        for kind, e in digits.analysis.explanations.items()
    }
    page = draw(
        digits,
        labels=HOSTILE,
        support_names=names,
        explanations=explanations,
        caveats=(HOSTILE[1],),
        left_out={HOSTILE[0]: HOSTILE[1]},
        provenance={HOSTILE[0]: HOSTILE[1]},
    )
    assert len(page.find("script")) == 1
    assert not [name for e in page.find() for name in e.attributes if name.startswith("on")]
    assert all(image.attributes["src"].startswith("data:") for image in page.find("img"))
    assert page.find("p", class_="answer")[0].text == HOSTILE[digits.analysis.predicted]
    data = page.find("script")[0].text
    assert json.loads(data)["labels"] == list(HOSTILE)
    assert not set("<>&") & set(data)
    assert "49" not in page.find("h1")[0].text


def test_every_picture_is_named_described_and_backed_by_numbers(digits: Digits) -> None:
    page = draw(digits)
    drawings = [svg for svg in page.find("svg") if not svg.inside("svg") and "aria-hidden" not in svg.attributes]
    assert len(drawings) == 4  # probabilities, waterfall, map, deletion curve
    for drawing in drawings:
        assert drawing.attributes["role"] == "img"
        assert drawing.find("title")[0].text
        assert len(drawing.find("desc")[0].text) > 20
        assert drawing.parent is not None
        assert drawing.parent.tag == "figure"
        assert drawing.parent.find("details")[0].find("table")
    assert all("alt" in image.attributes for image in page.find("img"))


def test_numbers_on_the_page_are_those_of_the_analysis(digits: Digits) -> None:
    page, analysis = draw(digits), digits.analysis
    probabilities, evidence = section(page, "verdict").find("figure")[0], section(page, "evidence")
    for label, (after, before) in table(probabilities).items():
        index = analysis.labels.index(label)
        assert number(after) == pytest.approx(100 * analysis.probabilities[index], abs=0.05)
        assert number(before) == pytest.approx(100 * analysis.unadapted[index], abs=0.05)
    contributions = table(evidence.find("figure")[0])
    assert len(contributions) == len(analysis.support_names)
    for name, value in zip(analysis.support_names, analysis["shapley"].values, strict=True):
        assert number(contributions[name][0]) == pytest.approx(value, abs=0.005)
    cards = {card.find("div", class_="name")[0].text: card for card in evidence.find("li", class_="card")}
    everyone = np.ones(len(cards))
    for example, name in enumerate(analysis.support_names):
        left = digits.game(everyone - np.eye(len(cards))[example], True)
        said = re.search(r"without it: ([\d.]+)%", cards[name].text)
        assert said is not None
        assert float(said[1]) == pytest.approx(100 / (1 + np.exp(-left)), abs=0.05)
        assert number(cards[name].find("span", class_="value")[0].text) == pytest.approx(
            analysis["shapley"].values[example], abs=0.005
        )
    record = json.loads(page.find("script")[0].text)
    assert record["explanations"]["shapley"]["values"] == analysis["shapley"].values.tolist()
    (download,) = page.find("a", download="analysis.json")
    saved = json.loads(base64.b64decode(download.attributes["href"].partition(",")[2]))
    assert saved == record


def test_cards_are_grouped_by_the_sign_of_their_contribution(digits: Digits) -> None:
    evidence = section(draw(digits), "evidence")
    for tone, sign in (("for", 1), ("against", -1)):
        (group,) = evidence.find("div", class_=f"{tone}-group")
        values = [sign * number(value.text) for value in group.find("span", class_="value")]
        assert values == sorted(values, reverse=True)
        assert values[-1] > 0


def test_the_only_example_of_a_class_takes_the_class_with_it() -> None:
    digits = make_digits(ways=2, shots=1)
    page = draw(digits)
    for label, card in zip(digits.analysis.labels, section(page, "evidence").find("li", class_="card"), strict=True):
        assert f"without it the class “{label}” disappears" in card.text
    assert "is the only example of" in section(page, "change").text


def test_beyond_25_examples_the_page_says_what_it_hides() -> None:
    digits = make_digits(ways=5, shots=12)
    evidence = section(draw(digits), "evidence")
    cards = evidence.find("li", class_="card")
    hidden = [card for card in cards if card.inside("details")]
    assert (len(cards), len(hidden)) == (60, 35)
    values = digits.analysis["path"].values
    lightest = values[np.argsort(-np.abs(values))[25:]]
    summaries = [summary.text for summary in evidence.find("summary") if "more example" in summary.text]
    counts = sum(int(re.findall(r"Show (\d+) more", text)[0]) for text in summaries)
    sums = sum(number(re.findall(r"([+−][\d.]+)\)", text)[0]) for text in summaries)
    assert counts == 35
    assert sums == pytest.approx(lightest.sum(), abs=0.01)


def test_all_checks_passed_gives_the_good_light(digits: Digits) -> None:
    page = draw(digits)
    assert page.find("div", class_="light")[0].classes == {"light", "good"}
    assert not page.find("p", class_="warning")
    results = table(section(page, "checks"))
    assert results["Rank correlation with leave-one-out"][:2] == ["not defined", "n/a"]
    assert results["Labels shuffled"][0] == "passed"


@pytest.mark.parametrize(
    ("kind", "where", "change", "color"),
    [
        ("shapley", "evidence", "fidelity", "fair"),
        ("shapley", "evidence", "controls", "poor"),
        ("shapley", "evidence", "residual", "poor"),
        ("integrated_gradients", "query", "fidelity", "fair"),
        ("integrated_gradients", "query", "residual", "fair"),
    ],
)
def test_an_untrusted_explanation_says_so_first(digits: Digits, kind: str, where: str, change: str, color: str) -> None:
    old = digits.analysis[kind]
    if change == "residual":
        value: Any = 0.5
    else:
        value = tuple(replace(measure, passed=False) for measure in getattr(old, change))
    explanations = with_changed(digits, kind, **{change: value})
    page = draw(digits, explanations=explanations)
    assert page.find("div", class_="light")[0].classes == {"light", color}
    first = section(page, where).children[1]  # after the heading
    assert first.classes == {"warning"}
    assert all(failure in first.text for failure in explanations[kind].failures)


@pytest.mark.parametrize(("effect", "flags"), [(-0.5, 1), (0.5, 0), (None, 1)])
def test_a_label_is_doubted_unless_the_answer_is_weaker_without_its_example(
    digits: Digits, effect: float | None, flags: int
) -> None:
    """An example of the answer's class speaks against it; `effect` is what leave-one-out says, where it was asked."""
    own = digits.analysis.support_labels.index(digits.analysis.predicted)
    worth = np.abs(digits.analysis["shapley"].values)
    worth[own] *= -1
    explanations = with_changed(digits, "shapley", values=worth)
    if effect is None:
        del explanations["leave_one_out"]
    else:
        alone = explanations["leave_one_out"].values.copy()
        alone[own] = effect
        explanations["leave_one_out"] = replace(explanations["leave_one_out"], values=alone)
    assert len(draw(digits, explanations=explanations).find("span", class_="flag")) == flags


def test_what_does_not_add_up_is_a_step_of_the_waterfall(digits: Digits) -> None:
    explanations = with_changed(digits, "shapley", values=digits.analysis["shapley"].values / 2, residual=0.5)
    drawing = section(draw(digits, explanations=explanations), "evidence").find("svg", role="img")[0]
    assert "not accounted for" in drawing.text


def test_caveats_and_unchecked_explanations_dim_the_light(digits: Digits) -> None:
    caveat = "The learner is transductive: queries influence each other."
    page = draw(digits, caveats=(caveat,))
    assert page.find("div", class_="light")[0].classes == {"light", "fair"}
    assert caveat in section(page, "plain").text
    unchecked = with_changed(digits, "shapley", fidelity=(), controls=(), residual=None)
    assert draw(digits, explanations=unchecked).find("div", class_="light")[0].classes == {"light", "fair"}
    assert draw(digits, explanations={}).find("div", class_="light")[0].classes == {"light", "fair"}


def test_left_out_explanations_are_listed_with_their_reason(digits: Digits) -> None:
    assert (
        "How much the model looked at each example: this learner has no attention"
        in section(draw(digits), "checks").text
    )


def test_without_pictures_the_names_stand_alone(digits: Digits) -> None:
    page = read(render(digits.analysis))
    assert not page.find("img")
    assert all(name in section(page, "evidence").text for name in digits.analysis.support_names)


def test_numbers_with_names_are_ranked_instead_of_mapped(digits: Digits) -> None:
    values = np.random.default_rng(0).normal(size=(6, 4))
    names = tuple(f"feature {i}" for i in range(24))
    page = draw(digits, explanations=with_changed(digits, "integrated_gradients", values=values, players=names))
    query = section(page, "query")
    assert not query.find("image")
    shown = table(query)
    heaviest = np.argsort(-np.abs(values.reshape(-1)))[:15]
    assert list(shown) == [names[i] for i in heaviest]
    assert "9 other parts together" in query.text
    for i in heaviest:
        assert number(shown[names[i]][0]) == pytest.approx(values.reshape(-1)[i], abs=0.005)


def test_pictures_must_fit(digits: Digits) -> None:
    with pytest.raises(DataError, match="8 support pictures for 9 support examples"):
        render(digits.analysis, support_views=digits.support_images[:-1])
    with pytest.raises(DataError, match="the query is float64"):
        render(digits.analysis, query_view=digits.query_image / 255)


def test_largest_task_stays_under_three_megabytes() -> None:
    digits = make_digits(ways=6, shots=10)
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (side, side, 3), dtype=np.uint8) for side in [96] * 60 + [256]]
    explanations = with_changed(digits, "integrated_gradients", values=rng.normal(size=(1, 3, 224, 224)))
    page = render(replace(digits.analysis, explanations=explanations), support_views=noise[:60], query_view=noise[60])
    assert len(page.encode()) < 3_000_000
    root = read(page)
    assert json.loads(root.find("script")[0].text)["explanations"]["integrated_gradients"]["values"] is None
    assert "integrated gradients" in section(root, "files").text


@pytest.mark.parametrize("step", ["write_text", "replace"])
def test_a_failed_write_leaves_the_old_page_and_nothing_else(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    whole = Path.write_text

    def full_disk(self: Path, *arguments: Any, **settings: Any) -> None:
        whole(self, "<html>half", encoding="utf-8") if step == "write_text" else None
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, step, full_disk)
    with pytest.raises(RunError, match=r"page\.html: No space left on device"):
        write_page(digits.analysis, path)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_page_writes_what_render_returns(digits: Digits, tmp_path: Path) -> None:
    path = write_page(digits.analysis, tmp_path / "page.html", title="A title", protocol={"ways": 3})
    assert path.read_text(encoding="utf-8") == render(digits.analysis, title="A title", protocol={"ways": 3})
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RunError, match="cannot write the page"):
        write_page(digits.analysis, tmp_path / "missing" / "page.html")


def test_an_analysis_made_by_explain_is_drawn() -> None:
    torch.manual_seed(0)
    learner = ProtoNet(MLP((16, 8), "tanh")).eval()
    support = Support.of(torch.randn(4, 1, 4, 4), ["cat", "cat", "dog", "dog"])
    analysis = explain(learner, support, torch.randn(1, 4, 4), ["shapley", "integrated_gradients"])
    page = read(render(analysis, query_view=np.zeros((4, 4), np.uint8)))
    assert page.find("p", class_="answer")[0].text in ("cat", "dog")
    assert len(section(page, "evidence").find("li", class_="card")) == 4
    assert f"makes it more “{analysis.labels[analysis.runner_up]}”" in section(page, "query").find("ul")[0].text


def test_a_move_without_a_size_is_said_and_not_drawn() -> None:
    """The head of MAML starts at 0, so that its move is no share of anything."""
    torch.manual_seed(0)
    support = Support.of(torch.randn(4, 3), ["cat", "cat", "dog", "dog"])
    analysis = explain(MAML(MLP((3, 4, 4), "tanh")).eval(), support, torch.randn(3), "movement")
    assert np.isnan(analysis["movement"].values[-1])
    (drawing,) = section(read(render(analysis)), "adaptation").find("svg", role="img")
    assert "n/a" in drawing.text
    assert not any("nan" in value for part in drawing.find() for value in part.attributes.values())


def test_a_regression_is_drawn_without_classes() -> None:
    torch.manual_seed(0)
    learner = MAML.build(MLP((1, 16), "tanh"), outputs=1, inner_lr=0.01).eval()
    support = Support.of(torch.linspace(-1, 1, 4)[:, None], torch.tensor([1.0, 2.0, 3.0, 4.0]))
    analysis = explain(learner, support, torch.tensor([0.5]), ["influence", "integrated_gradients"], checks=False)
    page = read(render(analysis))
    value = float(analysis.scores[0])
    assert number(page.find("p", class_="answer")[0].text) == pytest.approx(value, abs=0.005)
    assert "predicted value" in section(page, "evidence").find("h3")[0].text
    assert "%" not in section(page, "evidence").text
