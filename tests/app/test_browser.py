"""The workbench as a person meets it, in a real browser without a screen; skipped where there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import answered, listening, strict
from app_requests import HOSTILE, picture
from PIL import Image
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def address(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with listening(run, tmp_path_factory.mktemp("store")) as found:
        yield found


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The workbench with its sample task answered."""
    with strict(browser, address) as view:
        yield view


def shares(page: Any) -> list[str]:
    return page.locator(".shares li span:last-child").all_inner_texts()


def test_the_keyboard_switches_an_example_off_and_the_numbers_are_those_of_the_api(page: Any, address: str) -> None:
    before, predicted = shares(page), page.locator(".answer").inner_text()
    with page.expect_response("**/api/quick") as caught:
        page.locator(".class", has=page.locator("legend .label", has_text=predicted)).locator(".on").first.focus()
        page.keyboard.press("Space")
    answered(page, 2)
    asked, answer = json.loads(caught.value.request.post_data), caught.value.json()
    assert [example["on"] for example in asked["examples"]].count(False) == 1
    assert shares(page) != before
    printed = [float(text.strip("<> %")) / 100 for text in shares(page)]
    assert printed == pytest.approx(answer["probabilities"], abs=1.1e-3)
    worth = [text.split(" ")[0] for text in page.locator(".example:not(.off) .worth").all_inner_texts()]
    assert [float(text.replace("−", "-")) for text in worth] == pytest.approx(answer["values"], abs=0.006)
    assert page.locator(".example.off .worth").inner_text() == ""
    radius = "no" if answer["radius"] is None else f"{answer['radius']:g}"
    assert f"(robustness radius): {radius}" in page.locator(".radius").inner_text()


def test_hostile_names_stay_text_and_what_was_entered_is_kept(page: Any) -> None:
    page.locator(".class-name").fill(HOSTILE)
    page.keyboard.press("Enter")
    last = page.locator(".class").last
    assert last.locator("legend .label").inner_text() == HOSTILE
    file = {"name": f"{HOSTILE}.png", "mimeType": "image/png", "buffer": picture(1)}
    broken = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"not an image"}
    last.locator(".files").set_input_files([file, broken])
    answered(page, 2)
    last = page.locator(".class").last
    assert "notes.txt is not an image" in last.locator(".give .problem").inner_text()
    assert last.locator(".example").count() == 1  # the good one was taken
    assert page.locator("img[onerror], img[src='x']").count() == 0
    page.locator(".class-name").fill(HOSTILE)
    page.keyboard.press("Enter")
    assert "already" in page.locator(".class-problem").inner_text()
    assert page.locator(".class-name").input_value() == HOSTILE
    page.reload()
    answered(page, 1)
    assert page.locator("legend .label").last.inner_text() == HOSTILE


DROP = """(zone, file) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(file)], "dropped.png", { type: "image/png" }));
    zone.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def test_images_are_dropped_into_a_class_and_on_the_question_and_what_was_done_to_them_is_told(page: Any) -> None:
    light = np.full((20, 20), 255, np.uint8)
    light[5:15, 9:11] = 0
    buffer = BytesIO()
    Image.fromarray(light).save(buffer, format="PNG")
    first = page.locator(".class").first
    members = first.locator(".example").count()
    first.evaluate(DROP, list(buffer.getvalue()))
    answered(page, 2)
    first = page.locator(".class").first
    assert first.locator(".example").count() == members + 1
    assert first.locator(".example .name").last.inner_text() == "dropped.png"
    assert "inverted" in first.locator(".give .note").inner_text()
    page.locator("#query-drop").evaluate(DROP, list(picture(3)))
    answered(page, 3)
    assert page.locator("#query-name").inner_text() == "dropped.png"


def test_the_map_of_the_question_follows_the_class_that_is_chosen(page: Any) -> None:
    drawn = "canvas => canvas.toDataURL()"
    before, caption = page.locator("canvas").evaluate(drawn), page.locator(".parts figcaption").inner_text()
    predicted = page.locator(".answer").inner_text()
    other = next(label for label in page.locator(".class .label").all_inner_texts() if label != predicted)
    page.locator(".target").select_option(other)
    answered(page, 2)
    assert f"“{other}” (blue)" in page.locator(".parts figcaption").inner_text() != caption
    expect(page.locator("canvas")).to_have_attribute("aria-label", page.locator(".parts figcaption").inner_text())
    assert page.locator("canvas").evaluate(drawn) != before
    assert page.locator(".answer").inner_text() == predicted


def test_two_sets_are_compared_and_only_the_changed_one_moves(page: Any) -> None:
    page.locator("#compare").click()
    first, second = page.locator(".side").nth(0), page.locator(".side").nth(1)
    for side in (first, second):
        side.locator(".shares li").first.wait_for()
    before = first.locator(".shares").inner_text(), second.locator(".shares").inner_text()
    assert before[0] == before[1]
    second.locator(".relabel").first.select_option(index=1)
    expect(second.locator(".shares")).not_to_have_text(before[1])
    assert first.locator(".shares").inner_text() == before[0]


def test_the_full_page_is_saved_under_a_link_and_can_be_called_off(page: Any, address: str) -> None:
    page.locator(".explain").click()
    page.locator(".side .cancel").click()
    expect(page.locator(".explain")).to_be_enabled(timeout=20_000)
    assert page.locator(".side .links").is_hidden()
    # A smaller task, which is quickly explained, saved through the API, then opened by its link.
    kept = json.loads(page.evaluate("sessionStorage['fewsight-workbench']"))
    examples = [{key: each[key] for key in ("item", "label", "on")} for each in kept["sides"][0]["examples"][:4]]
    task = page.request.post(f"{address}/api/adapt", data={"examples": examples}).json()["task"]
    asked = {"task": task, "query": kept["query"]["item"], "seconds": 1}
    job = page.request.post(f"{address}/api/explain", data=asked).json()
    while job["state"] in ("queued", "running"):
        time.sleep(0.05)
        job = page.request.get(f"{address}/api/jobs/{job['id']}").json()
    page.goto("about:blank")  # so that the link is opened, and not only the fragment of the page at hand changed
    page.goto(f"{address}/#a={job['analysis']}")
    expect(page.locator(".side .open")).to_have_attribute("href", f"/a/{job['analysis']}")
    assert page.locator("#saved li").count() == 1
    page.goto(f"{address}/a/{job['analysis']}", wait_until="domcontentloaded")
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_small_screen_in_light_and_dark(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 22, 29)"}[scheme]


def test_a_class_is_renamed_with_its_examples_and_questions(page: Any) -> None:
    before = shares(page)
    first = page.locator(".class").first
    old = first.locator(".label").inner_text()
    first.locator(".rename").click()
    taken = page.locator(".class .label").nth(1).inner_text()
    first.locator(".new-name").fill(taken)
    page.keyboard.press("Enter")
    assert "already" in first.locator(".rename-problem").inner_text()
    first.locator(".new-name").fill(HOSTILE)
    page.keyboard.press("Enter")
    answered(page, 2)
    assert shares(page) == before
    assert page.locator(".class .label").first.inner_text() == HOSTILE
    assert page.locator(".class .label", has_text=old).count() == 0
    chosen = page.locator(".questions .relabel").evaluate_all("all => all.map(one => one.value)")
    assert HOSTILE in chosen
    assert old not in chosen


def test_an_audit_record_is_made_of_questions_and_examples(page: Any, address: str) -> None:
    for _ in range(3):  # two questions are enough
        page.locator(".questions .remove").last.click()
    page.locator(".truth").select_option(index=2)
    page.locator("#audit .keep").click()
    assert page.locator(".questions .example").count() == 3
    page.locator("#audit .start").click()
    page.locator("#audit .links").wait_for(timeout=30_000)
    record = page.request.get(address + page.locator("#audit .json").get_attribute("href")).json()
    assert record["schema"] == "fewsight.audit/2"
    assert len(record["queries"]) == 3
    assert len(record["support"]) == page.locator(".side .example").count()


def test_it_speaks_chinese_and_so_does_the_page_it_makes(browser: Any, address: str) -> None:
    with strict(browser, address, "?lang=zh") as page:
        assert page.evaluate("document.documentElement.lang") == "zh-Hans"
        assert page.locator("h1").inner_text() == "工作台"
        # Titles of saved work keep the language in which it was made.
        seen = " ".join(page.locator("header, .question, #sides, #audit").all_inner_texts())
        assert [word for word in ("example", "class", "Answer", "question") if word in seen] == []
        assert page.locator("#language").get_attribute("href") == "?lang=en"
        broken = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"not an image"}
        page.locator("#query-drop .files").set_input_files(broken)
        expect(page.locator("#query-drop .problem")).to_contain_text("notes.txt 不是图像")
        with page.expect_request("**/api/quick") as sent:
            page.locator(".on").first.click()
        assert sent.value.headers["accept-language"] == "zh"
    with strict(browser, address, locale="zh-CN") as page:
        assert page.locator("h1").inner_text() == "工作台"
