"""Which part of the query: gradients, their integral, and hiding, in front of the adapted model."""

from __future__ import annotations

import captum.attr
import numpy as np
import pytest
import tiny
import torch
from torch import Tensor, nn

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.query import TRANSDUCTIVE, integrated_gradients, occlusion, saliency
from fewsight.learners import MAML, ProtoNet, create
from fewsight.networks import Conv4, RowEncoder, SequenceEncoder, TokenEncoder
from fewsight.task import Support


def frozen(case: Case) -> nn.Module:
    """The adapted model as any explanation library sees it: a function of queries alone."""
    model = case.learner.adapt(case.support)

    class Frozen(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return case.target(model(x))

    return Frozen()


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
def test_integrated_gradients_add_up(name: str) -> None:
    case = tiny.case(tiny.learner(name), tiny.support(), target="contrast")
    found = integrated_gradients(case, bound=1e-11)
    assert found.baseline is not None
    assert found.values.shape == (tiny.FEATURES,)
    assert abs(found.values.sum() - (found.value - found.baseline)) < 1e-10
    with torch.no_grad():
        assert found.baseline == pytest.approx(frozen(case)(torch.zeros_like(case.query)).item(), abs=1e-12)


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
def test_integrated_gradients_and_saliency_are_captums(name: str) -> None:
    """Equal to Captum's on a frozen copy of the adapted model, same nodes, same baseline."""
    case = tiny.case(tiny.learner(name), tiny.support())
    baseline = torch.randn(1, tiny.FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    theirs = captum.attr.IntegratedGradients(frozen(case)).attribute(
        case.query, baseline, n_steps=16, method="gausslegendre"
    )
    mine = integrated_gradients(case, baseline, panels=1)
    np.testing.assert_allclose(mine.values, theirs[0].detach().numpy(), atol=1e-12)
    gradient = captum.attr.Saliency(frozen(case)).attribute(case.query.clone().requires_grad_(), abs=False)
    np.testing.assert_allclose(saliency(case).values, gradient[0].numpy(), atol=1e-12)


def test_occlusion_is_captums() -> None:
    torch.manual_seed(0)
    learner = create("protonet", Conv4(hidden=4, size=(8, 8), blocks=2)).double()
    support = Support.of(torch.rand(6, 2, 8, 8, dtype=torch.float64)[:, :1], list("aabbcc"))
    case = tiny.case(learner, support, torch.rand(1, 1, 8, 8, dtype=torch.float64))
    theirs = captum.attr.Occlusion(frozen(case)).attribute(case.query, (1, 2, 2), strides=(1, 2, 2))
    mine = occlusion(case, patch=2)
    assert mine.values.shape == (4, 4)
    np.testing.assert_allclose(np.kron(mine.values, np.ones((2, 2))), theirs[0, 0].detach().numpy(), atol=1e-12)


def test_a_linear_model_is_explained_exactly() -> None:
    """Prototypes on raw inputs: the contrast is linear in the query, so all three give weight times input."""
    case = tiny.case(ProtoNet(nn.Flatten()), tiny.support(), target=("contrast", "a", "b"))
    p = case.learner.adapt(case.support).state["prototypes"]
    weight = 2 * (p[0] - p[1])
    expected = (weight * case.query[0]).numpy()
    np.testing.assert_allclose(integrated_gradients(case).values, expected, atol=1e-12)
    np.testing.assert_allclose(occlusion(case).values, expected, atol=1e-12)
    np.testing.assert_allclose(saliency(case).values, weight.numpy(), atol=1e-12)


def test_trap_1_the_support_is_never_stacked_with_interpolation_steps() -> None:
    """Captum stacks its steps on dimension 0: over a support set the learner then adapts to steps x K examples at once.

    Attributions of the support inputs go wrong without an error; here the learner meets K examples each time, whatever
    is varied.
    """
    case = tiny.case(tiny.learner("maml"), tiny.support())
    sizes: list[int] = []
    learner = case.learner
    solve = type(learner).solve

    def watched(support: Support) -> object:
        sizes.append(support.size)
        return solve(learner, support)

    learner.solve = watched

    def naive(x: Tensor) -> Tensor:
        repeats = len(x) // case.support.size
        stacked = Support.of(x, case.support.y.repeat(repeats), classes=[0, 1, 2])
        return case.target(learner(stacked, case.query))

    values = captum.attr.IntegratedGradients(naive).attribute(case.support.x, n_steps=16, internal_batch_size=None)
    assert max(sizes) == 16 * case.support.size
    with torch.no_grad():
        change = naive(case.support.x) - naive(torch.zeros_like(case.support.x))
    assert abs(values.sum()) < 0.1 * abs(change)

    sizes.clear()
    for explain in (integrated_gradients, occlusion, saliency):
        assert explain(case).complete
    assert set(sizes) == {case.support.size}


class BatchStatistics(nn.Module):
    """Normalises every input by the batch it comes in: what couples queries in a transductive learner."""

    out_features = 2 * tiny.FEATURES

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x, x.square()], -1)
        return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1.0).sqrt()


def test_trap_2_queries_of_a_transductive_learner_are_explained_alone_and_flagged() -> None:
    """Integrated gradients over a batch of queries miss completeness; one by one they keep it, with a caveat."""
    learner = MAML(BatchStatistics(), inner_steps=2, inner_lr=0.5, transductive=True).double()
    with torch.no_grad():
        learner.head.weight.copy_(torch.linspace(-1, 1, 8, dtype=torch.float64))
    case = tiny.case(learner, tiny.support(), target=("contrast", "a", "b"))
    model = frozen(case)
    others = torch.cat([case.query, tiny.support(seed=3).x])
    coupled = captum.attr.IntegratedGradients(model).attribute(others, n_steps=32)[0].sum()
    with torch.no_grad():
        change = model(others)[0] - model(torch.zeros_like(others))[0]
    assert abs(coupled - change) > 0.2 * abs(change)
    found = integrated_gradients(case)
    assert found.complete
    assert found.notes[0] == TRANSDUCTIVE
    with torch.no_grad():
        assert found.value == pytest.approx(model(case.query).item(), abs=1e-12)


def test_missing_values_stay_missing_and_get_nothing() -> None:
    torch.manual_seed(0)
    learner = create("protonet", RowEncoder(tiny.FEATURES, 6)).double()
    query = tiny.query()
    query[0, 2] = torch.nan
    case = tiny.case(learner, tiny.support(), query)
    for explain in (integrated_gradients, saliency, occlusion):
        found = explain(case)
        assert abs(found.values[2]) < 1e-12
        assert np.isfinite(found.values).all()
        assert found.complete


def test_a_tree_is_attributed_to_its_floating_point_leaves() -> None:
    torch.manual_seed(0)
    learner = create("protonet", SequenceEncoder(2, 6)).double()

    def inputs(size: int) -> dict[str, Tensor]:
        return {"steps": torch.randn(size, 5, 2, dtype=torch.float64), "mask": torch.ones(size, 5, dtype=torch.bool)}

    case = tiny.case(learner, Support.of(inputs(6), list("aabbcc")), inputs(1))
    found = integrated_gradients(case)
    assert found.complete
    assert found.values.shape == (10,)
    assert found.players[3] == "['steps'][1,1]"


def test_whole_numbers_cannot_be_attributed_to() -> None:
    learner = create("protonet", TokenEncoder(20, 6)).double()
    inputs = {"ids": torch.randint(0, 20, (4, 5)), "mask": torch.ones(4, 5, dtype=torch.bool)}
    query = {"ids": inputs["ids"][:1], "mask": inputs["mask"][:1]}
    case = tiny.case(learner, Support.of(inputs, list("aabb")), query)
    for explain in (integrated_gradients, saliency, occlusion):
        with pytest.raises(ExplanationError, match="no floating-point numbers"):
            explain(case)


def test_bad_settings_are_explained() -> None:
    case = tiny.case(tiny.learner("protonet"), tiny.support())
    with pytest.raises(ExplanationError, match="the baseline has 3 numbers"):
        integrated_gradients(case, torch.zeros(1, 3, dtype=torch.float64))
    images = Support.of(torch.rand(2, 1, 4, 4), ["a", "b"])
    picture = tiny.case(ProtoNet(nn.Flatten()), images, torch.rand(1, 1, 4, 4))
    with pytest.raises(ExplanationError, match="does not fit"):
        occlusion(picture, patch=9)


def test_images_of_any_size_and_channels_are_covered_by_patches() -> None:
    """Every pixel lies in one patch, all channels together, also where the side is no multiple of the patch."""
    images = Support.of(torch.rand(4, 3, 5, 7, dtype=torch.float64), list("aabb"))
    case = tiny.case(
        ProtoNet(nn.Flatten()), images, torch.rand(1, 3, 5, 7, dtype=torch.float64), ("contrast", "a", "b")
    )
    found = occlusion(case, patch=3)
    assert found.values.shape == (2, 3)
    # This contrast is linear in the query: hiding patch by patch adds up to hiding everything.
    exact = integrated_gradients(case).values
    assert found.values.sum() == pytest.approx(exact.sum(), abs=1e-12)
    assert found.values[1, 2] == pytest.approx(exact[:, 3:, 6:].sum(), abs=1e-12)
