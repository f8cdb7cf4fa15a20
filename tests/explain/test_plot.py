"""Pictures show the values: what Matplotlib was given is what the explanation says."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
import tiny
from PIL import Image

from fewsight.explain.explanation import Explanation
from fewsight.explain.plot import AGAINST, FOR
from fewsight.explain.query import integrated_gradients
from fewsight.explain.subsets import interactions, leave_one_out, shapley

mpl.use("Agg")


@pytest.fixture
def explained() -> Explanation:
    return shapley(tiny.case(tiny.learner("protonet"), tiny.support(), tiny.query()))


@pytest.fixture(autouse=True)
def _closed() -> None:
    from matplotlib import pyplot

    pyplot.close("all")


def test_bars_are_the_values_with_their_signs(explained: Explanation) -> None:
    axes = explained.plot()
    # Bars go from the bottom up; the first player is on top.
    widths = [bar.get_width() for bar in axes.patches][::-1]
    np.testing.assert_allclose(widths, explained.values)
    colors = [mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in axes.patches][::-1]
    assert colors == [FOR if value >= 0 else AGAINST for value in explained.values]
    assert [label.get_text() for label in axes.get_yticklabels()][::-1] == list(explained.players)


def test_a_failed_check_is_in_the_title(explained: Explanation) -> None:
    assert "not to be trusted" not in explained.plot().get_title()
    assert "not to be trusted" in replace(explained, residual=1.0).plot().get_title()


def test_what_has_no_number_is_said_and_not_drawn_as_one() -> None:
    single = leave_one_out(tiny.case(tiny.learner("protonet"), tiny.support(3, 1), tiny.query()))
    assert np.isnan(single.values).all()
    assert [text.get_text() for text in single.plot().texts] == ["not a number, see notes"] * 3


def test_pairs_are_a_map_around_zero() -> None:
    explained = interactions(tiny.case(tiny.learner("protonet"), tiny.support(), tiny.query()))
    (drawn,) = explained.plot().images
    np.testing.assert_allclose(drawn.get_array(), explained.values)
    low, high = drawn.get_clim()
    assert low == -high == -np.abs(explained.values).max()


def test_many_players_show_the_largest_and_say_so() -> None:
    made = integrated_gradients(tiny.case(tiny.learner("protonet"), tiny.support(), tiny.query()))
    many = replace(made, values=np.arange(30.0), players=tuple(map(str, range(30))))
    axes = many.plot()
    assert sorted(bar.get_width() for bar in axes.patches) == list(range(10, 30))
    assert "10 smaller ones left out" in axes.get_xlabel()


def test_a_notebook_gets_a_picture_and_no_figure_stays_open(explained: Explanation) -> None:
    from matplotlib import pyplot

    picture = explained._repr_png_()
    assert picture is not None
    assert Image.open(BytesIO(picture)).width == 700  # 3.5 inches at 200 dots
    assert pyplot.get_fignums() == []
