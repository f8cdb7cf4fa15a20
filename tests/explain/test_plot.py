"""Pictures show the values: what Matplotlib was given is what the explanation says."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import tiny
from matplotlib import pyplot
from PIL import Image

from fewsight.explain.codes import prototype_map
from fewsight.explain.explanation import Explanation
from fewsight.explain.kinds import KINDS
from fewsight.explain.meta_parameters import step_sizes
from fewsight.explain.plot.ink import AGAINST, FOR
from fewsight.explain.query import integrated_gradients
from fewsight.explain.subsets import interactions, leave_one_out, shapley
from fewsight.explain.support_inputs import support_integrated_gradients

mpl.use("Agg")


@pytest.fixture
def explained() -> Explanation:
    return shapley(tiny.case(tiny.learner("protonet"), tiny.support(), tiny.query()))


@pytest.fixture(autouse=True)
def _closed() -> None:
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
    assert "not to be trusted" not in explained.plot().figure.get_suptitle()
    failed = replace(explained, residual=1.0)
    assert "not to be trusted" in failed.plot().figure.get_suptitle()
    beside = pyplot.figure().subplots(1, 2)[0]
    assert "not to be trusted" in failed.plot(beside).get_title()


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


def test_pictures_stand_beside_each_other_unchanged_on_one_scale() -> None:
    support = support_integrated_gradients(tiny.case(tiny.learner("protonet"), tiny.support(), tiny.query()))
    pixels = np.random.default_rng(0).normal(size=(6, 2, 4, 5))
    made = replace(support, values=pixels, players=tuple(f"image {i}: pixels" for i in range(6)))
    axes = made.plot()
    (drawn,) = axes.images
    assert drawn.get_clim()[1] == np.abs(pixels.sum(1)).max()
    board, frames = np.asarray(drawn.get_array()), axes.patches
    assert [text.get_text() for text in axes.texts] == [f"image {i}" for i in range(6)]
    for image, frame in zip(pixels.sum(1), frames, strict=True):
        left, top = (round(corner + 0.5) for corner in frame.get_xy())
        np.testing.assert_allclose(board[top : top + 4, left : left + 5], image)


def test_a_table_has_the_names_of_its_rows_and_columns_and_its_figures() -> None:
    found = step_sizes(tiny.case(tiny.learner("maml"), tiny.support(), tiny.query()))
    axes = found.plot()
    layers = [name.split(", ")[1] for name in found.players[: found.values.shape[1]]]
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"step {t + 1}" for t in range(len(found.values))]
    assert [label.get_text() for label in axes.get_xticklabels()] == layers
    assert [float(text.get_text()) for text in axes.texts] == pytest.approx(found.values.reshape(-1), abs=0.0051)


def test_points_lie_where_they_are_and_their_names_apart() -> None:
    found = prototype_map(tiny.case(tiny.learner("protonet"), tiny.support(), tiny.query()))
    axes = found.plot()
    drawn = np.concatenate([np.asarray(points.get_offsets()) for points in axes.collections])
    np.testing.assert_allclose(drawn[np.lexsort(drawn.T)], found.values[np.lexsort(found.values.T)])
    names = [text.get_text() for text in axes.texts]
    assert names == [player.removesuffix(", across") for player in found.players[::2]]
    np.testing.assert_allclose([text.xy for text in axes.texts], found.values)
    axes.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_no_word_is_cut_at_the_edge_of_the_page() -> None:
    """Long names are shortened in their middle, and the title is broken."""
    long = tuple(f"a very long name of an example that nobody can read, number {i}" for i in range(6))
    made = shapley(replace(tiny.case(tiny.learner("protonet"), tiny.support(), tiny.query()), names=long))
    figure = replace(made, target="a target that takes many words to say " * 4).plot().figure
    figure.draw_without_rendering()
    for text in [figure._suptitle, *figure.axes[0].get_yticklabels()]:
        box, page = text.get_window_extent(), figure.bbox
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert sorted(name[-2:] for name in shown) == [f" {i}" for i in range(6)]


def test_every_kind_is_in_the_gallery() -> None:
    shown = (Path(__file__).parents[2] / "docs" / "gallery").glob("*.png")
    assert {file.stem for file in shown} == set(KINDS) - {"matched_pairs"}  # structures, which the page draws


def test_many_players_show_the_largest_and_say_so() -> None:
    made = integrated_gradients(tiny.case(tiny.learner("protonet"), tiny.support(), tiny.query()))
    many = replace(made, values=np.arange(30.0), players=tuple(map(str, range(30))))
    axes = many.plot()
    assert sorted(bar.get_width() for bar in axes.patches) == list(range(10, 30))
    assert "10 smaller ones left out" in axes.get_xlabel()


def test_a_notebook_gets_a_picture_and_no_figure_stays_open(explained: Explanation) -> None:
    picture = explained._repr_png_()
    assert picture is not None
    assert Image.open(BytesIO(picture)).width == 700  # 3.5 inches at 200 dots
    assert pyplot.get_fignums() == []
