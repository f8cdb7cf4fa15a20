"""The page as a person opens it: from the disk, without a network, small, dark, on paper, and inside a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from fewsight.demo import images
from fewsight.domains import Episodes, open_domain
from fewsight.experience import Experience
from fewsight.explain import Analysis, explain
from fewsight.learners import create
from fewsight.networks import Conv4
from fewsight.report import write_page

DRAWN = Episodes(open_domain("digits").family("test", ways=3, shots=2, queries=1), seed=0, name="test")
DARK = "rgb(17, 22, 29)"


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Everything that is said of one digit, by a learner whose experience is at hand."""
    task = DRAWN[0]
    torch.manual_seed(0)
    learner = create("anil", Conv4(size=(16, 16), hidden=8, blocks=2, norm="group")).eval()
    experience = Experience.of(learner, [DRAWN[i] for i in range(1, 5)], [DRAWN[i] for i in range(5, 25)])
    return explain(learner, task.support, task.query[:1], experience=experience, budget_seconds=20)


@pytest.fixture(scope="module")
def file(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    *support, query = images(DRAWN[0])
    return write_page(analysis, path, support_views=support, query_view=query, command="fewsight explain RUN")


@pytest.fixture
def view(browser: Any) -> Iterator[Any]:
    """A page that reports each word said on the console, and each request but for the file itself."""
    view = browser.new_page()
    said: list[str] = []
    view.on("console", lambda message: said.append(message.text))
    view.on("pageerror", lambda error: said.append(str(error)))
    view.on("request", lambda sent: None if sent.url.startswith(("file:", "data:")) else said.append(sent.url))
    yield view
    view.close()
    assert said == []


def test_it_opens_from_the_disk_and_every_picture_is_there(view: Any, file: Path) -> None:
    view.goto(file.as_uri())
    assert view.locator("main section").count() == 9
    broken = "all => all.filter(image => !image.complete || image.naturalWidth === 0).length"
    assert view.locator("img").count() > 6
    assert view.locator("img").evaluate_all(broken) == 0
    with view.expect_download() as saved:
        view.locator("a[download]").first.click()
    assert Path(saved.value.path()).read_text().startswith("{")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1280])
def test_nothing_runs_over_the_edge(view: Any, file: Path, scheme: str, width: int) -> None:
    view.emulate_media(color_scheme=scheme)
    view.set_viewport_size({"width": width, "height": 800})
    view.goto(file.as_uri())
    view.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    ground = view.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == DARK) == (scheme == "dark")


def test_on_paper_it_is_light_and_nothing_stays_folded(view: Any, file: Path) -> None:
    view.emulate_media(color_scheme="dark", media="print")
    view.goto(file.as_uri())
    assert view.evaluate("getComputedStyle(document.body).backgroundColor") != DARK
    folded = view.locator("details:not([open]) > :not(summary)")
    assert folded.count() > 3
    assert folded.evaluate_all("all => all.filter(one => one.getBoundingClientRect().height === 0).length") == 0
    assert view.locator("a[download]").first.is_hidden()


def test_a_notebook_shows_the_page_in_a_frame(view: Any, analysis: Analysis) -> None:
    view.set_content(f"<p>Out[1]:</p>{analysis._repr_html_()}")
    inside = view.frame_locator("iframe")
    inside.locator(".answer").wait_for()
    assert inside.locator(".answer").inner_text() == analysis.labels[analysis.predicted]
    assert inside.locator("main section").count() == 9
