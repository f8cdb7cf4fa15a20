"""Squared distances to prototypes, split over examples and over channels."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.prototypes import prototype_channels, prototype_leave_one_out, prototypes
from fewsight.explain.subsets import leave_one_out
from fewsight.learners import ProtoNet
from fewsight.networks import MLP

PRECISIONS = [(torch.float64, 1e-13), (torch.float32, 1e-5)]


def contrast(dtype: torch.dtype = torch.float64, shots: int = 3) -> Case:
    learner = tiny.learner("protonet").to(dtype)
    return tiny.case(learner, tiny.support(3, shots).to(dtype), tiny.query().to(dtype), ("contrast", "a", "c"))


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("split", [prototypes, prototype_channels])
def test_the_parts_add_up_to_the_contrast(split: object, dtype: torch.dtype, tolerance: float) -> None:
    case = contrast(dtype)
    found = split(case)  # type: ignore[operator]
    with torch.no_grad():
        scores = case.learner(case.support, case.query)[0]
    assert found.values.sum() == pytest.approx((scores[0] - scores[2]).item(), abs=tolerance)
    assert found.complete


def test_the_parts_are_those_of_the_formula() -> None:
    case = contrast()
    with torch.no_grad():
        embed = case.learner.embedding_model
        f, s = embed(case.query)[0], embed(case.support.x)
    a, c = s[:3].mean(0), s[6:].mean(0)
    expected = np.zeros(9)
    for sign, p, rows in ((1, a, range(3)), (-1, c, range(6, 9))):
        for i in rows:
            expected[i] = sign / 3 * ((s[i] - p).square().sum() - (f - s[i]).square().sum()).item()
    np.testing.assert_allclose(prototypes(case).values, expected, atol=1e-12)
    channels = 2 * (a - c) * f + c.square() - a.square()
    np.testing.assert_allclose(prototype_channels(case).values, channels.numpy(), atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_closed_form_is_adapting_again(dtype: torch.dtype, tolerance: float) -> None:
    case = contrast(dtype)
    np.testing.assert_allclose(prototype_leave_one_out(case), leave_one_out(case).values, atol=tolerance)


def test_unequal_weights() -> None:
    """The identities hold for weighted examples too."""
    case = contrast()
    weight = torch.linspace(0.2, 1.0, 9, dtype=torch.float64)
    case = tiny.case(case.learner, case.support.reweighted(weight), case.query, ("contrast", "a", "c"))
    assert prototypes(case).complete
    np.testing.assert_allclose(prototype_leave_one_out(case), leave_one_out(case).values, atol=1e-12)


def test_the_closed_form_knows_where_a_class_disappears() -> None:
    assert np.isnan(prototype_leave_one_out(contrast(shots=1))).all()


def test_it_says_that_the_split_is_not_unique() -> None:
    assert "one of many" in prototypes(contrast()).notes[0]


def test_what_has_no_such_split_is_refused() -> None:
    with pytest.raises(ExplanationError, match="MatchingNetwork has no prototypes"):
        prototypes(tiny.case(tiny.learner("matching"), tiny.support(), target="contrast"))
    with pytest.raises(ExplanationError, match="give target="):
        prototypes(tiny.case(tiny.learner("protonet"), tiny.support()))
    cosine = ProtoNet(MLP([tiny.FEATURES, 5]), "cosine").double()
    with pytest.raises(ExplanationError, match="not squared Euclidean"):
        prototypes(tiny.case(cosine, tiny.support(), target="contrast"))
