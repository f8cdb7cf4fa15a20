"""Texts, molecules and rows in the workbench, as a person types and reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from app_browser import answered, listening, strict
from app_requests import HOSTILE
from playwright.sync_api import expect

import fewsight


def test_a_text_is_typed_tinted_changed_and_what_is_wrong_stays_in_its_field(
    browser: Any, kinds: dict[str, Path], tmp_path: Path
) -> None:
    with listening(kinds["texts"], tmp_path) as address, strict(browser, address) as page:
        field = page.locator("#query-drop .words")
        field.fill(f"{HOSTILE} play the phone")
        page.keyboard.press("Enter")
        answered(page, 2)
        passage = page.locator(".passage")
        words = passage.locator("span").evaluate_all("all => all.map(one => one.firstChild.textContent)")
        assert words == ["img", "src", "x", "onerror", "alert", "1", "play", "the", "phone"]
        tints = passage.locator("span").evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
        assert len(set(tints)) > 3
        signs = passage.locator("sup").all_inner_texts()
        assert set(signs) <= {"+", "−"}
        assert signs
        assert page.locator(".largest li").count() == 5
        first = page.locator(".class").first
        members = first.locator(".example").count()
        first.locator(".words").fill("one more of these\n!!!")
        first.locator(".send").click()
        first.locator(".give .problem").wait_for()
        assert "Line 2: " in first.locator(".give .problem").inner_text()
        assert first.locator(".words").input_value() == "one more of these\n!!!"
        first.locator(".words").fill("one more of these\nand another")
        first.locator(".send").click()
        answered(page, 3)
        assert page.locator(".class").first.locator(".example").count() == members + 2
        page.reload()
        answered(page, 1)
        assert field.input_value() == f"{HOSTILE} play the phone"


def test_a_molecule_is_drawn_and_its_atoms_are_shaded(browser: Any, kinds: dict[str, Path], tmp_path: Path) -> None:
    with listening(kinds["molecules"], tmp_path) as address, strict(browser, address) as page:
        for picture in (page.locator(".drawing"), page.locator(".side .thumb").first):
            assert picture.get_attribute("src").startswith("data:image/svg+xml;base64,")
            assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 50
        assert page.locator(".largest li").count() == 5
        field = page.locator("#query-drop .words")
        field.fill("CC(")
        page.locator("#query-drop .send").click()
        expect(page.locator("#query-drop .problem")).to_contain_text("not a molecule")
        assert field.input_value() == "CC("


def values_given(page: Any) -> None:
    """Four rows with their values, and a fifth one asked about."""
    page.locator("#trouble", has_text="no sample task").wait_for()
    for place, (row, value) in enumerate(VALUES, 1):
        box = page.locator(".class")
        box.locator(".value-new").fill(value)
        box.locator(".words").fill(row)
        box.locator(".send").click()
        expect(page.locator(".side .example")).to_have_count(place)
    page.locator("#query-drop .words").fill(ASKED)
    page.keyboard.press("Enter")
    page.locator(".side[data-answered]").wait_for(timeout=20_000)


VALUES = [("age=40, pain=none, pulse=70", "1.5"), ("age=51, pain=some, pulse=75", "2")]
VALUES += [("age=66, pain=much, pulse=90", "4"), ("age=71, pain=much", "-3")]
ASKED = "age=60, pain=some, pulse=82"


def test_a_value_moves_with_its_examples_and_is_explained_saved_and_exported(
    browser: Any, kinds: dict[str, Path], tmp_path: Path
) -> None:
    with listening(kinds["values"], tmp_path) as address:
        page = browser.new_page(viewport={"width": 380, "height": 800})
        page.goto(address)
        values_given(page)
        # The field says the value that counts, and shows all of it.
        field = page.locator(".revalue").nth(1)
        assert field.input_value() == "2"
        assert field.evaluate("field => field.clientWidth") > 60
        asked = int(page.locator(".side").get_attribute("data-answered")) + 1
        with page.expect_response("**/api/quick") as caught:
            page.locator(".on").first.focus()
            page.keyboard.press("Space")
        answered(page, asked)
        answer = caught.value.json()
        run = fewsight.Run.open(kinds["values"])
        rows = [dict(pair.split("=") for pair in row.split(", ")) for row in [*(row for row, _ in VALUES[1:]), ASKED]]
        form = run.format
        seen = form.encode(rows[:-1], ["1", "2", "3"])
        support = fewsight.Support.of(seen.x, torch.tensor([2.0, 4.0, -3.0]))
        query = form.encode(rows[-1:], ["q"]).x
        analysis = fewsight.explain(run.learner(), support, query, ("shapley", "leave_one_out"), checks=False)
        assert answer["predicted"] == pytest.approx(analysis.scores[0], abs=1e-5)
        printed = page.locator(".answer").inner_text().replace("−", "-")
        assert float(printed) == pytest.approx(analysis.scores[0], rel=1e-3)
        worth = page.locator(".example:not(.off) .worth").all_inner_texts()
        figures = [float(text.split(" ")[0].replace("−", "-")) for text in worth]
        assert figures == pytest.approx(analysis["shapley"].values, abs=0.006)
        left = [float(text.split(": ")[1].replace("−", "-")) for text in worth]
        assert left == pytest.approx(analysis.scores[0] - analysis["leave_one_out"].values, rel=1e-3)
        # What is no number is told beside its field, which keeps it.
        field.fill("a lot")
        page.keyboard.press("Tab")
        expect(page.locator(".example").nth(1).locator(".problem")).to_contain_text("“a lot” is no number")
        assert field.input_value() == "a lot"
        field.fill("2")
        page.keyboard.press("Tab")
        answered(page, asked + 1)
        assert page.locator(".side .problem:visible").count() == 0
        page.locator(".explain").click()
        page.locator(".side .links").wait_for(timeout=60_000)
        with page.expect_download() as saved:
            page.locator(".side .json").click()
        record = json.loads(Path(saved.value.path()).read_text("utf-8"))
        assert record["scores"] == pytest.approx(analysis.scores, abs=1e-5)
        assert page.locator("#saved li").count() == 1
        page.goto(address + page.locator(".side .open").get_attribute("href"))
        assert page.locator(".verdict .answer").inner_text() == f"{analysis.scores[0]:.2f}".replace("-", "−")
        assert "output 0" not in page.locator("body").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
        page.close()


@pytest.mark.parametrize("kind", ["rows", "values"])
def test_a_row_is_pasted_or_filled_in_and_its_columns_get_figures(
    browser: Any, kinds: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    """Its run has no data, so that the screen starts empty."""
    with listening(kinds[kind], tmp_path) as address:
        page = browser.new_page()
        page.goto(address)
        page.locator("#trouble", has_text="no sample task").wait_for()
        given = (("healthy", "age=40, pain=none, pulse=70"), ("ill", "age=66,pain=much\nage=70; pulse=95"))
        for name, lines in given:
            if kind == "rows":
                page.locator(".class-name").fill(name)
                page.keyboard.press("Enter")
            box = page.locator(".class").last
            box.locator(".words").fill(lines)
            if kind == "values":
                box.locator(".send").click()
                assert "number" in box.locator(".give .problem").inner_text() or name == "ill"
                box.locator(".value-new").fill("1.5" if name == "healthy" else "4")
            box.locator(".send").click()
            expect(page.locator(".class").last.locator(".words")).to_have_value("")
        page.locator("#query-drop .fill").click()
        dialog = page.locator("#row-dialog")
        dialog.locator("input").first.fill("61")
        dialog.locator("select").select_option("some")
        dialog.locator(".strong").click()
        answered(page, 1)
        assert page.locator("#query-drop .words").input_value() == "age=61, pain=some"
        cells = page.locator(".columns tr").evaluate_all(
            "all => all.map(row => [...row.cells].map(c => c.textContent))"
        )
        assert {name: value for name, value, _ in cells} == {"age": "61", "pain": "some", "pulse": "missing"}
        assert all(figure[0] in "+−" for _, _, figure in cells)
        assert page.locator(".shares li").count() == (2 if kind == "rows" else 0)
        assert page.locator("#audit .start").is_visible() == (kind == "rows")
        if kind == "values":
            before = page.locator(".answer").inner_text()
            page.locator(".revalue").first.fill("30")
            page.keyboard.press("Tab")
            answered(page, 2)
            assert page.locator(".answer").inner_text() != before
        page.close()
