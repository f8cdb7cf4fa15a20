"""Is every query where it belongs, and does no dot leave its row?"""

from __future__ import annotations

import re

import numpy as np
import pytest

from fewsight.report.charts import Row
from fewsight.report.swarm import HEIGHT, Swarm, swarm


def dots(*effects: list[float], own: bool = True) -> list[tuple[float, float, str]]:
    rows = [
        Swarm(Row(f"<example {i}>", "+1", 0, 1, "for"), np.array(values), np.full(len(values), own))
        for i, values in enumerate(effects)
    ]
    drawing = swarm("swarm", "title", "description", rows)
    assert "<example" not in drawing
    return [
        (float(x), float(y), look)
        for x, y, look in re.findall(r'<circle cx="([\d.]+)%" cy="([\d.]+)" r="2.6" class="([\w ]+)"', drawing)
    ]


def test_places_are_linear_in_the_effects_across_rows() -> None:
    found = dots([-1.0, 0.0, 3.0], [1.0, 2.0])
    assert [x for x, _, _ in found] == pytest.approx([2, 26, 98, 50, 74])
    assert [look for *_, look in found] == ["against", "rest", "for", "for", "for"]
    assert [y // HEIGHT for _, y, _ in found] == [0, 0, 0, 1, 1]


def test_rings_are_queries_of_other_classes() -> None:
    assert {look for *_, look in dots([1.0, -1.0], own=False)} == {"for ring", "against ring"}


@pytest.mark.parametrize("size", [2, 7, 150])
def test_equal_effects_stand_on_top_of_each_other_within_the_row(size: int) -> None:
    heights = sorted(y for _, y, _ in dots([0.5] * size))
    assert len(set(heights)) == size
    assert heights[0] >= 0
    assert heights[-1] <= HEIGHT
    assert np.mean(heights) == pytest.approx(HEIGHT / 2, abs=2.6)


def test_no_effect_at_all_is_drawn_too() -> None:
    assert [look for *_, look in dots([0.0, 0.0])] == ["rest", "rest"]
