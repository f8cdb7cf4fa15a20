"""Attention as a readout of the answer, and what it does not say."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.fidelity import of_support
from fewsight.explain.readout import attention, attention_leave_one_out
from fewsight.explain.subsets import leave_one_out
from fewsight.learners import create
from fewsight.networks import Conv4
from fewsight.task import Support


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-5)])
def test_votes_add_up_to_the_probability_of_every_class(dtype: torch.dtype, tolerance: float) -> None:
    learner, support, query = tiny.learner("matching").to(dtype), tiny.support().to(dtype), tiny.query().to(dtype)
    with torch.no_grad():
        p = learner(support, query).softmax(-1)[0]
    total = np.zeros(6)
    for c, label in enumerate("abc"):
        found = attention(tiny.case(learner, support, query, target=("margin", label)))
        assert found.values.sum() == pytest.approx(p[c].item(), abs=tolerance)
        assert (found.values[support.y.numpy() != c] == 0).all()
        assert found.complete
        total += found.values
    assert total.sum() == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-5)])
def test_closed_form_is_adapting_again(dtype: torch.dtype, tolerance: float) -> None:
    case = tiny.case(
        tiny.learner("matching").to(dtype), tiny.support().to(dtype), tiny.query().to(dtype), target="probability"
    )
    np.testing.assert_allclose(attention_leave_one_out(case), leave_one_out(case).values, atol=tolerance)


def test_the_closed_form_of_regression_is_adapting_again() -> None:
    case = tiny.case(tiny.learner("matching", outputs=1), tiny.values_support())
    np.testing.assert_allclose(attention_leave_one_out(case), leave_one_out(case).values, atol=1e-12)
    assert attention(case).complete


def test_the_closed_form_knows_where_a_class_disappears() -> None:
    support = tiny.support().take(torch.tensor([0, 1, 2, 3, 4]))
    case = tiny.case(tiny.learner("matching"), support, target="probability")
    assert np.isnan(attention_leave_one_out(case)).tolist() == [False] * 4 + [True]


def test_trap_7_attention_is_not_effect() -> None:
    """An example that holds half of the attention of an answer at p ~ 1 changes nothing when it goes."""
    learner = tiny.learner("matching")
    with torch.no_grad():
        learner.log_temperature.copy_(torch.tensor(4.0))
    support = tiny.support(2, 2)
    x = support.x.clone()
    x[1] = x[0]
    given = Support.of(x, list("aabb"))
    case = tiny.case(learner, given, x[:1], target="probability")
    votes, effect = attention(case), leave_one_out(case)
    assert votes.value > 0.99
    assert votes.values[0] > 0.45
    assert abs(effect.values[0]) < 0.01
    assert "not an effect" in votes.notes[0]


def test_support_statistics_break_the_closed_form_but_not_the_readout() -> None:
    torch.manual_seed(0)
    learner = create("matching", Conv4(hidden=4, size=(8, 8), blocks=2, norm="task")).double()
    support = Support.of(torch.rand(6, 1, 8, 8, dtype=torch.float64), list("aabbcc"))
    case = tiny.case(learner, support, torch.rand(1, 1, 8, 8, dtype=torch.float64), target="probability")
    assert attention(case).complete
    assert np.abs(attention_leave_one_out(case) - leave_one_out(case).values).max() > 1e-3


def test_full_context_breaks_the_closed_form_and_the_check_says_so() -> None:
    """Embeddings that read the whole support: votes add up, and only adapting again says what goes without one."""
    case = tiny.case(tiny.learner("matching-fce"), tiny.support(), target="probability")
    votes = attention(case)
    assert votes.complete
    assert votes.values.sum() == pytest.approx(votes.value, abs=1e-12)
    assert np.abs(attention_leave_one_out(case) - leave_one_out(case).values).max() > 1e-3
    (said,) = [measure for measure in of_support(case, votes) if "closed-form" in measure.name]
    assert said.passed is None
    assert "leave_one_out is the one to read" in said.meaning


def test_other_learners_have_no_attention() -> None:
    with pytest.raises(ExplanationError, match="ProtoNet does not answer by attention"):
        attention(tiny.case(tiny.learner("protonet"), tiny.support()))
