"""Kernel heads: what sums to the scores, and leave-one-out in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiny
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.kernel import kernel, kernel_leave_one_out, kernel_parts, kernel_votes, without_kernel
from fewsight.explain.subsets import leave_one_out
from fewsight.learner import Learner
from fewsight.learners import create
from fewsight.networks import MLP
from fewsight.task import Support

PRECISIONS = [(torch.float64, 1e-13), (torch.float32, 1e-4)]


def anil(outputs: int | None = None, steps: int = 7, **settings: Any) -> Learner:
    learner = create("anil", MLP([tiny.FEATURES, 8, 5], "tanh"), outputs, inner_steps=steps, inner_lr=0.3, **settings)
    generator = torch.Generator().manual_seed(5)
    for parameter in learner.double().parameters():
        if parameter.ndim:
            parameter.data.copy_(0.6 * torch.randn(parameter.shape, dtype=torch.float64, generator=generator))
    return learner


def weighted(shots: int = 2) -> Support:
    support = tiny.support(3, shots)
    return support.reweighted(torch.linspace(0.3, 1.0, support.size, dtype=torch.float64))


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("pair", [("a", "b"), ("c", "a")])
def test_ridge_votes_add_up(pair: tuple[str, str], dtype: torch.dtype, tolerance: float) -> None:
    support = weighted().to(dtype)
    case = tiny.case(tiny.learner("ridge").to(dtype), support, tiny.query().to(dtype), ("contrast", *pair))
    found = kernel_votes(case)
    with torch.no_grad():
        scores = case.learner(support, case.query)[0]
    expected = scores["abc".index(pair[0])] - scores["abc".index(pair[1])]
    assert found.values.sum() == pytest.approx(expected.item(), abs=tolerance)
    others = [i for i, y in enumerate(support.y.tolist()) if "abc"[y] not in pair]
    assert (found.values[others] == 0).all()
    assert found.complete


@pytest.mark.parametrize("target", [None, "probability", ("contrast", "a", "c"), ("loss", "b")])
@pytest.mark.parametrize("weights", ["ones", "unequal", "one absent"])
def test_the_closed_form_of_ridge_is_adapting_again(target: Any, weights: str) -> None:
    support = tiny.support(3, 3)
    if weights == "unequal":
        support = weighted(3)
    if weights == "one absent":
        support = support.reweighted((torch.arange(9) != 4).double())
    case = tiny.case(tiny.learner("ridge"), support, target=target)
    for drop in (False, True):
        np.testing.assert_allclose(
            kernel_leave_one_out(case, drop=drop), leave_one_out(case, drop=drop).values, atol=1e-12
        )


def test_the_closed_form_in_regression_and_where_a_class_disappears() -> None:
    case = tiny.case(tiny.learner("ridge", outputs=1), tiny.values_support())
    np.testing.assert_allclose(kernel_leave_one_out(case), leave_one_out(case).values, atol=1e-10)
    assert kernel_votes(case).values.sum() == pytest.approx(case.query_values(case.query).item(), abs=1e-10)
    sole = tiny.support().take(torch.tensor([0, 1, 2, 3, 4]))
    case = tiny.case(tiny.learner("ridge"), sole, target="contrast")
    assert np.isnan(kernel_leave_one_out(case)).tolist() == [False] * 4 + [True]
    np.testing.assert_allclose(kernel_leave_one_out(case, drop=True), leave_one_out(case, drop=True).values, atol=1e-10)


def learners() -> list[tuple[str, Learner]]:
    return [
        ("ridge", tiny.learner("ridge")),
        ("anil", anil()),
        ("anil, 1 step", anil(steps=1)),
        ("anil, 0 steps", anil(steps=0)),
        ("anil, fixed head", anil(head=4)),
        ("anil, prototype head", anil(head="prototype")),
        ("anil, rates by layer and step", anil(rates="layer")),
        ("anil, penalty", anil(proximal=0.2)),
        ("anil, momentum", anil(inner_optimizer="momentum")),
        ("anil, nesterov", anil(inner_optimizer="nesterov")),
        ("anil, only the weight", anil(adapt=("head.weight",))),
        ("anil, only the bias", anil(adapt=("head.bias",))),
    ]


@pytest.mark.parametrize(("name", "learner"), learners(), ids=[name for name, _ in learners()])
def test_the_kernel_form_is_the_adapted_head(name: str, learner: Learner) -> None:
    support = weighted()
    # Dropped too: the normalisation stays, the un-adapted head is the same.
    for given in (support, tiny.support().reweighted(support.weight, drop=True)):
        case = tiny.case(learner, given, target=("contrast", "a", "c"))
        form = kernel_parts(case)
        summed = form["start"] + form["query"] @ form["support"].T @ form["coefficients"] + form["offsets"].sum(0)
        with torch.no_grad():
            scores = learner(given, case.query)
            start = learner.trace(given).models()[0](case.query)
        np.testing.assert_allclose(summed, scores.numpy(), atol=1e-13)
        found = kernel(case)
        assert found.baseline is not None
        assert found.values.sum() + found.baseline == pytest.approx(found.value, abs=1e-13)
        if "anil" in name:
            assert found.baseline == pytest.approx((start[0, 0] - start[0, 2]).item(), abs=1e-12)


def test_the_coefficients_are_those_of_the_formula() -> None:
    """c_i = -sum_t a (p_i^t - y_i) / K, p^t from the recorded heads."""
    learner, support = anil(steps=4), tiny.support()
    case = tiny.case(learner, support, target="contrast")
    with torch.no_grad():
        expected = sum(
            -0.3 * (model(support.x).softmax(-1) - support.one_hot) / support.size
            for model in learner.trace(support).models()[:-1]
        )
    assert isinstance(expected, torch.Tensor)
    np.testing.assert_allclose(kernel_parts(case)["coefficients"], expected.numpy(), atol=1e-12)


def test_regression_head() -> None:
    case = tiny.case(anil(outputs=1), tiny.values_support())
    found = kernel(case)
    assert found.values.sum() + (found.baseline or 0.0) == pytest.approx(found.value, abs=1e-10)


def test_the_kernel_form_of_prototypes() -> None:
    case = tiny.case(tiny.learner("protonet"), weighted(), target="contrast")
    form = kernel_parts(case)  # raises where it is not the scores
    assert form["start"].shape == (1, 3)
    assert "prototypes" in without_kernel(case)


def test_what_does_not_add_up_is_refused() -> None:
    def refused(learner: Learner, message: str) -> None:
        case = tiny.case(learner, tiny.support(), target="contrast")
        with pytest.raises(ExplanationError, match=message):
            kernel(case)
        assert without_kernel(case)

    refused(tiny.learner("maml"), "needs a linear head that adapts alone")
    refused(tiny.learner("cavia"), "needs a linear head that adapts alone")
    refused(anil(inner_optimizer="adam"), "not linear in the gradients")
    refused(anil(rates="parameter"), "one step size for all features")
    refused(tiny.learner("matching"), "no sum of inner products")
    with pytest.raises(ExplanationError, match="not linear in them"):
        kernel(tiny.case(anil(), tiny.support()))
    with pytest.raises(ExplanationError, match="not a kernel regression"):
        kernel_votes(tiny.case(anil(), tiny.support(), target="contrast"))
