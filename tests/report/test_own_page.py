"""One explanation as a page of its own: nothing outside it, nothing that runs, and its numbers inside."""

from __future__ import annotations

import json
import re
import sys
from base64 import b64decode

import matplotlib as mpl
import numpy as np
import pytest
from page_reader import Element, read

from fewsight.explain.explanation import Explanation

mpl.use("Agg")
HOSTILE = "</script><img src=x onerror=alert(1)> & 'cat'"


@pytest.fixture
def explained() -> Explanation:
    """It does not add up."""
    values = np.array([1.0, np.nan, -0.5])
    return Explanation("shapley", f"Who {HOSTILE}?", values, (HOSTILE, "b", "c"), "F", 2.0, 0.0, "none", "drop", 0.75)


def said(page: Element) -> str:
    return page.find("pre")[0].text


def test_it_needs_nothing_and_runs_nothing(explained: Explanation) -> None:
    text = explained.to_html()
    page = read(text)
    assert said(page) == " ".join(str(explained).split())
    assert said(page).startswith("NOT TO BE TRUSTED AS IT STANDS (the values do not add up")
    (script,) = page.find("script")
    assert script.attributes == {"type": "application/json"}
    assert json.loads(script.text) == explained.to_json()
    (picture,) = page.find("img")
    assert picture.attributes["alt"] == explained.question
    assert b64decode(picture.attributes["src"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert not re.search(r'(?:href|src)="(?!data:)|url\(|@import|<link', text)


def test_it_goes_without_a_picture_where_nothing_can_draw_one(
    explained: Explanation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = read(explained.to_html())
    assert page.find("img") == []
    assert said(page) == " ".join(str(explained).split())
