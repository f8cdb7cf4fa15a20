"""Do bars and curves stand where their numbers say?"""

from __future__ import annotations

import pytest
from page_reader import Element, read

from fewsight.report.charts import PLOT, Row, bars, curves
from fewsight.report.svg import element


def ends(drawing: Element) -> list[tuple[float, float]]:
    """(left, right) of each bar in percent."""
    found = []
    for bar in drawing.find("rect"):
        left, width = (float(bar.attributes[name].rstrip("%")) for name in ("x", "width"))
        found.append((left, left + width))
    return found


def test_bars_are_proportional_to_their_values_and_share_one_zero() -> None:
    rows = [Row("a", "+2", 0, 2, "for"), Row("b", "−1", 0, -1, "against"), Row("c", "+1", 1, 2, "for")]
    drawing = read(bars("name", "title", "text", rows))
    (a, b, c), zero = ends(drawing), float(drawing.find("line", class_="zero")[0].attributes["x1"].rstrip("%"))
    assert a[0] == pytest.approx(zero, abs=1e-2)
    assert b[1] == pytest.approx(zero, abs=1e-2)
    assert a[1] - a[0] == pytest.approx(2 * (b[1] - b[0]), abs=1e-2)
    assert c[1] == pytest.approx(a[1], abs=1e-2)
    assert c[1] - c[0] == pytest.approx(b[1] - b[0], abs=1e-2)


def test_joined_bars_are_linked_where_one_ends_and_the_next_begins() -> None:
    rows = [Row("a", "", 0, 2, "total"), Row("b", "", 2, 3, "for"), Row("c", "", 3, -1, "against")]
    drawing = read(bars("name", "title", "text", rows, joined=True))
    a, b, c = ends(drawing)
    links = [float(link.attributes["x1"].rstrip("%")) for link in drawing.find("line", class_="link")]
    assert links == [pytest.approx(a[1], abs=1e-2), pytest.approx(b[1], abs=1e-2)]
    assert links[1] == pytest.approx(c[1], abs=1e-2)


def test_all_zero_bars_still_draw() -> None:
    assert len(ends(read(bars("name", "title", "text", [Row("a", "0", 0, 0, "for")])))) == 1


def test_curves_pass_through_their_points_and_skip_undefined_ones() -> None:
    drawing = read(
        curves("name", "title", "text", [0.0, 0.5, 1.0], {"one": [1.0, float("nan"), 3.0], "two": [2, 2, 2]}, "share")
    )
    one, two = (line.attributes["points"].split() for line in drawing.find("polyline"))
    assert one == ["0.00,100.00", "100.00,0.00"]
    assert two == ["0.00,50.00", "50.00,50.00", "100.00,50.00"]
    assert float(drawing.find("svg", class_="free")[0].attributes["height"]) == PLOT


def test_text_and_attributes_are_escaped() -> None:
    drawing = read(bars('n"1', "<b>", "</desc><script>", [Row("<img src=x>", "&", 0, 1, "for")]))
    assert not drawing.find("img")
    assert not drawing.find("script")
    assert drawing.find("title")[0].text == "<b>"
    assert element("a", title='"<', class_="x", href=None) == '<a title="&#34;&lt;" class="x"></a>'
