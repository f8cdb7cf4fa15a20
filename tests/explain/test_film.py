"""What the support set tells the network: the arrays rebuild the embedding of this task."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch
from torch.func import functional_call

from fewsight.errors import ExplanationError
from fewsight.explain.film import film
from fewsight.learners import create
from fewsight.networks import MLP


def test_what_was_added_rebuilds_the_prediction() -> None:
    case = tiny.case(tiny.learner("film"), tiny.support())
    found, network = film(case), case.learner.embedding_model
    own = dict(network.named_parameters())
    told = {n: own[n] + torch.tensor(d, dtype=torch.float64) for n, d in found.provenance["deltas"].items()}
    assert set(told) == {"layers.0.bias", "layers.2.bias"}
    with torch.no_grad():
        s, f = (functional_call(network, told, (x,)) for x in (case.support.x, case.query))
        scores = -(f - s.unflatten(0, (3, 2)).mean(1)).square().sum(-1)
        torch.testing.assert_close(scores, case.learner(case.support, case.query)[0], rtol=0, atol=1e-12)


def test_values_are_relative_norms() -> None:
    case = tiny.case(tiny.learner("film"), tiny.support())
    found = film(case)
    assert found.players == ("layers.0", "layers.2")
    for layer, value in zip(found.players, found.values, strict=True):
        own = case.learner.embedding_model.get_parameter(f"{layer}.bias").norm().item()
        assert value == pytest.approx(np.linalg.norm(found.provenance["deltas"][f"{layer}.bias"]) / own, abs=1e-12)
    assert (found.values > 0.01).all()
    moved = np.linalg.norm(np.concatenate(list(found.provenance["deltas"].values())))
    own = torch.cat([p for p in case.learner.embedding_model.parameters() if p.ndim == 1]).norm().item()
    assert found.value == pytest.approx(moved / own, abs=1e-12)
    other = film(tiny.case(case.learner, tiny.support(seed=1)))
    assert other.provenance["deltas"] != found.provenance["deltas"]


def test_an_untrained_one_tells_nothing_and_what_starts_at_0_has_no_share() -> None:
    case = tiny.case(create("film", MLP([tiny.FEATURES, 5])).double(), tiny.support())
    np.testing.assert_array_equal(film(case).values, 0)
    told = tiny.learner("film")
    with torch.no_grad():
        told.embedding_model.layers[0].bias.zero_()
    found = film(tiny.case(told, tiny.support()))
    assert np.isnan(found.values).tolist() == [True, False]
    assert "layers.0 starts at 0" in found.notes[-1]


def test_other_learners_are_told_nothing() -> None:
    with pytest.raises(ExplanationError, match="tells its network nothing"):
        film(tiny.case(tiny.learner("protonet"), tiny.support()))
