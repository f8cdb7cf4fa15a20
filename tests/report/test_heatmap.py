"""Is the map of the query blue where it should be, orange where it should be, and symmetric?"""

from __future__ import annotations

import numpy as np
import pytest

from fewsight.report.heatmap import overlay, regions, saturation, signed_map


def test_channels_add_up_and_leading_ones_go() -> None:
    values = np.random.default_rng(0).normal(size=(1, 3, 6, 5))
    signed = signed_map(values)
    assert signed is not None
    np.testing.assert_array_equal(signed, values[0].sum(0))
    np.testing.assert_array_equal(signed, signed_map(values[0]))
    assert signed_map(values[0, 0, 0]) is None
    assert signed_map(values[0, 0, :1]) is None
    assert signed_map(np.zeros((2, 3, 4, 5))) is None


def test_regions_add_up_to_the_whole() -> None:
    signed = np.random.default_rng(0).normal(size=(28, 20))
    parts = regions(signed)
    assert len(parts) == 9
    assert sum(parts.values()) == pytest.approx(signed.sum())
    corner = np.zeros((9, 9))
    corner[0, 8] = 1.0
    assert {place for place, value in regions(corner).items() if value} == {("upper", "right")}


def test_colour_says_the_sign_and_strength_the_size() -> None:
    signed = np.array([[1.0, -1.0], [0.0, 0.5]])
    picture = overlay(signed, None).astype(int)
    red, blue = picture[..., 0], picture[..., 2]
    assert blue[0, 0] > red[0, 0]
    assert red[0, 1] > blue[0, 1]
    assert (picture[1, 0] == 255).all()
    distance = np.abs(255 - picture).sum(-1)
    assert distance[0, 0] > distance[1, 1] > 0
    swapped = overlay(-signed, None).astype(int)
    np.testing.assert_array_equal(swapped[0, 0], picture[0, 1])
    np.testing.assert_array_equal(swapped[0, 1], picture[0, 0])


def test_without_evidence_the_query_shows_through_unchanged_in_order() -> None:
    query = np.array([[0, 100], [200, 255]], dtype=np.uint8)
    picture = overlay(np.zeros((2, 2)), query)
    np.testing.assert_array_equal(np.argsort(picture[..., 0].reshape(-1)), [0, 1, 2, 3])
    assert (picture == picture[..., :1]).all(), "grey stays grey"


def test_one_extreme_pixel_does_not_bleach_the_rest() -> None:
    signed = np.full((20, 20), 0.1)
    signed[0, 0] = 100.0
    assert saturation(signed) == pytest.approx(0.1)


def test_a_coarse_map_covers_a_fine_picture() -> None:
    picture = overlay(np.array([[1.0, 0.0]]).repeat(2, 0), np.full((40, 40, 3), 255, np.uint8))
    assert picture.shape == (40, 40, 3)
    assert len(np.unique(picture[:, :20].reshape(-1, 3), axis=0)) == 1
    assert (picture[:, 20:] == 255).all()
