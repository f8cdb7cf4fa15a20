"""axe-core finds nothing serious on any screen: the workbench of each kind, the page of one answer, the audit page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_browser import answered, listening
from axe_playwright_python.sync_playwright import Axe

SCHEMES = ("light", "dark")


def violations(page: Any) -> list[str]:
    """What axe-core calls serious or critical, a line each with the first place where it was found."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html']}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """A page; its policy is put aside, for axe-core is a script that it would refuse."""
    made = []

    def opened(address: str, scheme: str, width: int = 1280) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        made.append(page)
        page.goto(address, wait_until="domcontentloaded")
        return page

    yield opened
    for page in made:
        page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", ["texts", "molecules", "rows", "values"])
def test_the_workbench_of(kind: str, scheme: str, open_page: Any, kinds: dict[str, Path], tmp_path: Path) -> None:
    with listening(kinds[kind], tmp_path) as address:
        page = open_page(address, scheme)
        if kind in ("rows", "values"):
            page.locator("#query-drop .fill").click()
            page.locator("#row-dialog input").first.wait_for()
        else:
            answered(page, 1)
            page.locator(".rename").first.click()
        assert violations(page) == []


@pytest.fixture(scope="module")
def address(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with listening(run, tmp_path_factory.mktemp("store")) as found:
        yield found


@pytest.fixture(scope="module")
def pages(address: str, browser: Any) -> dict[str, str]:
    """Addresses of the page of an answer and of an audit page."""
    api = browser.new_context().request
    sample = api.get(f"{address}/api/sample").json()
    examples = [{"item": each["item"], "label": each["label"]} for each in sample["examples"][:4]]
    task = api.post(f"{address}/api/adapt", data={"examples": examples}).json()["task"]
    labels = {example["label"] for example in examples}
    known = [each for each in sample["questions"] if each["label"] in labels]
    queries = [{"item": each["item"], "label": each["label"]} for each in known]
    query = sample["query"]["item"]
    asked = {"explain": {"task": task, "query": query, "seconds": 2}, "audit": {"task": task, "queries": queries}}
    found = {}
    for verb, body in asked.items():
        job = api.post(f"{address}/api/{verb}", data=body).json()
        while job["state"] in ("queued", "running"):
            time.sleep(0.05)
            job = api.get(f"{address}/api/jobs/{job['id']}").json()
        found[verb] = f"{address}/a/{job['analysis']}"
    return found


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 380)])
def test_the_workbench_of_images_with_two_sets(address: str, scheme: str, width: int, open_page: Any) -> None:
    page = open_page(address, scheme, width)
    answered(page, 1)
    page.locator("#compare").click()
    page.locator(".side").nth(1).locator(".shares li").first.wait_for()
    assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("what", ["explain", "audit"])
def test_the_page_of(what: str, scheme: str, pages: dict[str, str], open_page: Any) -> None:
    assert violations(open_page(pages[what], scheme)) == []
