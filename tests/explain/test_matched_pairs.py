"""What a domain offers is put to the model: the right donors are asked, and the right variants reported first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor

from fewsight.errors import DataError, ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.matched_pairs import SHOWN, matched_pairs
from fewsight.learners import create
from fewsight.task import Support
from fewsight.variants import Variant, Variants

SUPPORT = Support.of(torch.tensor([[4.0], [2.0], [-4.0], [-2.0], [9.0]], dtype=torch.float64), list("aabbc"))


def offering(points: Sequence[tuple[str, int, float]], left: int = 0) -> tuple[Case, list[Sequence[int]]]:
    """A query at 1, of the class around 3; variants by name, size and where they lie. And which donors were asked."""
    asked: list[Sequence[int]] = []

    def offers(donors: Sequence[int]) -> Variants:
        asked.append(donors)
        known = tuple(
            Variant(f"{change} at {x}", change, tuple(range(size)), (), donors[0], 0.5) for change, size, x in points
        )
        return Variants(torch.tensor([[x] for *_, x in points]), known, 2 * len(points), left)

    case = tiny.case(create("protonet", torch.nn.Identity()).double(), SUPPORT, torch.tensor([[1.0]]).double())
    return replace(case, offers=offers), asked


def distance(x: Tensor) -> Tensor:
    """Margin of class a over the others, by hand: centres at 3, -3 and 9."""
    a, b, c = (-(x - centre).square() for centre in (3.0, -3.0, 9.0))
    return a - torch.logaddexp(b, c)


def test_fewest_parts_first_then_the_surest_and_an_exchange_once() -> None:
    points = [("long", 3, -9.0), ("short", 1, -1.0), ("short", 1, -2.0), ("other", 1, -1.5), ("stays", 1, 2.0)]
    case, asked = offering(points)
    found = matched_pairs(case)
    assert asked == [(2, 3)]  # the runner-up's examples
    assert found.players == (
        "short: short at -2.0",
        "other: other at -1.5",
        "long: long at -9.0",
        "stays: stays at 2.0",
    )
    expected = distance(torch.tensor([-2.0, -1.5, -9.0, 2.0]).double()) - distance(torch.tensor(1.0).double())
    np.testing.assert_allclose(found.values, expected, atol=1e-9)
    assert found.value == pytest.approx(float(distance(torch.tensor(1.0).double())))
    assert found.provenance["changed"] == 4
    assert found.provenance["strongest"] == 2
    assert "The strongest change is long: long at -9.0." in found.notes
    assert [pair["answer"] for pair in found.provenance["pairs"]] == [1, 1, 1, 0]
    assert {measure.name: measure.value for measure in found.fidelity} == {
        "validity": 1,
        "variants that can exist": 0.5,
        "proximity": 0.5,
        "sparsity": 0,
    }
    assert json.loads(json.dumps(found.to_json()))["provenance"]["pairs"][0]["taken"] == [0]


def test_what_comes_nearest_where_none_is_enough() -> None:
    found = matched_pairs(offering([(f"{i}", 1, i / 10 + 0.1) for i in range(2 * SHOWN)], left=7)[0])
    assert found.players == tuple(f"{i}: {i} at {i / 10 + 0.1}" for i in range(SHOWN))
    assert found.fidelity[0].value == 0
    assert found.trusted
    assert found.notes[0].startswith(f"None of {2 * SHOWN} variants")
    assert found.notes[1] == "7 larger exchanges were not tried."


def test_the_strongest_is_reported_however_large_it_is() -> None:
    """Of -9 all exchanged the query is farthest from its class; two of one exchange differ in size alone."""
    points = [(f"{i}", 1, -1.0 - i / 10) for i in range(2 * SHOWN)]
    found = matched_pairs(offering([*points, ("0", 5, -9.0)])[0])
    assert found.players == (*(f"{i}: {i} at {-1.0 - i / 10}" for i in range(2 * SHOWN - 1, SHOWN, -1)), "0: 0 at -9.0")
    assert found.provenance["strongest"] == SHOWN - 1


def test_the_rival_is_the_targets() -> None:
    case, asked = offering([("one", 1, -1.0)])
    with torch.no_grad():
        toward = tiny.case(case.learner, SUPPORT, case.query, target=("contrast", "a", "c")).target
    matched_pairs(case.toward(toward))
    assert asked == [(4,)]


def test_what_has_none_is_refused_in_the_words_of_its_domain() -> None:
    def none(donors: Sequence[int]) -> Variants:
        raise DataError("nothing can be cut")

    case, _ = offering([("one", 1, -1.0)])
    with pytest.raises(ExplanationError, match="nothing can be cut"):
        matched_pairs(replace(case, offers=none))
    with pytest.raises(ExplanationError, match="no small real changes"):
        matched_pairs(replace(case, offers=None))
    values = tiny.case(tiny.learner("ridge", outputs=1), tiny.values_support())
    with pytest.raises(ExplanationError, match="regression"):
        matched_pairs(replace(values, offers=none))
