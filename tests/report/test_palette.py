"""Can every pair of colours that the style sheet puts together be read?"""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from fewsight.report.palette import DARK, GRAPHICS, LIGHT, TEXT, contrast, style


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)
    assert contrast("#0b6fb3", "#0b6fb3") == 1


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_4_5_and_graphics_have_3(theme: dict[str, str]) -> None:
    assert {
        pair: contrast(theme[pair[0]], theme[pair[1]])
        for pair in TEXT
        if contrast(theme[pair[0]], theme[pair[1]]) < 4.5
    } == {}
    assert {
        pair: contrast(theme[pair[0]], theme[pair[1]])
        for pair in GRAPHICS
        if contrast(theme[pair[0]], theme[pair[1]]) < 3
    } == {}


def test_both_themes_name_every_colour_the_style_sheet_uses() -> None:
    sheet = (files("fewsight.report") / "templates" / "page.css").read_text(encoding="utf-8")
    own = set(re.findall(r"(?<![\w-])--([\w-]+):", sheet))
    used = set(re.findall(r"var\(--([\w-]+)\)", sheet))
    assert set(LIGHT) == set(DARK)
    assert used - own <= set(LIGHT)
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b", sheet), "colours come from the palette"


def test_dark_colours_are_for_dark_screens_only() -> None:
    light, dark = style().split("@media")
    assert LIGHT["ink"] in light
    assert DARK["ink"] in dark
    assert dark.startswith(" screen and (prefers-color-scheme:dark)")
