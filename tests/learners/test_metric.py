"""Metric-based learners against their formulas and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from torch import Tensor, nn

from fewsight.errors import RecipeError
from fewsight.learners import FiLM, FullContext, MatchingNetwork, ProtoNet, create
from fewsight.learners.metric.distances import SIMILARITIES
from fewsight.networks import MLP
from fewsight.task import Support


def support_and_query() -> tuple[Support, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 5, dtype=torch.float64, generator=generator)
    return Support.of(x[:10], list("aaabbbbccc")), x[10:]


def test_protonet_on_raw_inputs_is_the_nearest_centroid() -> None:
    support, query = support_and_query()
    theirs = NearestCentroid().fit(support.x.numpy(), support.y.numpy()).predict(query.numpy())
    ours = ProtoNet(nn.Identity())(support, query).argmax(-1)
    assert np.array_equal(ours.numpy(), theirs)


def test_sharp_matching_network_is_the_nearest_neighbour() -> None:
    support, query = support_and_query()
    theirs = KNeighborsClassifier(1).fit(support.x.numpy(), support.y.numpy()).predict(query.numpy())
    ours = MatchingNetwork(nn.Identity(), "euclidean", temperature=1e3).double()(support, query).argmax(-1)
    assert np.array_equal(ours.numpy(), theirs)


def test_matching_network_is_attention_over_labels() -> None:
    support, query = support_and_query()
    learner = MatchingNetwork(nn.Identity(), "cosine", temperature=1.0, learn_temperature=False).double()
    kernel = torch.cosine_similarity(query[:, None], support.x[None], dim=-1).softmax(-1)
    torch.testing.assert_close(learner(support, query).exp(), kernel @ support.one_hot)
    model = learner.adapt(support)
    torch.testing.assert_close(learner.attention(model.state, query), kernel)


def test_matching_network_averages_values_in_regression() -> None:
    support, query = support_and_query()
    values = torch.arange(10, dtype=torch.float64)
    learner = MatchingNetwork(nn.Identity(), "dot", temperature=1.0).double()
    expected = (query @ support.x.T).softmax(-1) @ values
    torch.testing.assert_close(learner(Support.of(support.x, values), query)[:, 0], expected)


def test_an_absent_example_of_overwhelming_similarity_stays_absent() -> None:
    support, query = support_and_query()
    learner = MatchingNetwork(nn.Identity(), "dot", temperature=1e3).double()
    weight = torch.ones(10, dtype=torch.float64).index_fill(0, torch.tensor([2]), 0)
    huge = support.x.clone()
    huge[2] *= 1e4
    kept = learner(support.take([0, 1, *range(3, 10)]), query)
    with_huge = Support.of(huge, list("aaabbbbccc")).reweighted(weight)
    torch.testing.assert_close(learner(with_huge, query), kept)


def test_a_distance_may_be_any_callable() -> None:
    support, query = support_and_query()

    def manhattan(a: Tensor, b: Tensor) -> Tensor:
        return -torch.cdist(a, b, p=1)

    prototypes = torch.stack([support.x[support.y == c].mean(0) for c in range(3)])
    torch.testing.assert_close(ProtoNet(nn.Identity(), manhattan)(support, query), manhattan(query, prototypes))


@pytest.mark.parametrize("learner", ["protonet", "matching", "matching-fce", "film", "in-context"])
def test_distance_and_embedding_are_pluggable_wherever_something_is_compared(learner: str) -> None:
    support, query = support_and_query()
    network = MLP([5, 7, 4], "tanh").double()
    compared: list[torch.Size] = []

    def twice_the_dot(a: Tensor, b: Tensor) -> Tensor:
        compared.append(b.shape)
        return 2 * a @ b.mT

    torch.manual_seed(0)
    by_name = create(learner, network, distance_metric="dot").double()
    again = create(learner, network, distance_metric=twice_the_dot).double()
    again.load_state_dict(by_name.state_dict())
    classes = support.ways if learner in ("protonet", "film") else support.size
    scores = again(support, query)
    assert [shape[0] for shape in compared] == [classes]
    if learner in ("protonet", "film"):
        torch.testing.assert_close(scores, 2 * by_name(support, query))
    else:  # attention: twice the similarity is twice the temperature
        by_name.log_temperature.data += torch.tensor(2.0).log()
        torch.testing.assert_close(scores, by_name(support, query))


@pytest.mark.parametrize("name", SIMILARITIES)
def test_nothing_is_nearer_than_itself(name: str) -> None:
    points = nn.functional.normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert torch.equal(SIMILARITIES[name](points, points).argmax(-1), torch.arange(6))


def test_unknown_distance_suggests_the_nearest() -> None:
    with pytest.raises(RecipeError, match="unknown distance 'euclidian'; did you mean 'euclidean'"):
        ProtoNet(nn.Identity(), "euclidian")


def test_full_context_turned_round_reads_with_its_two_directions_exchanged() -> None:
    support, _ = support_and_query()
    learner = FullContext(nn.Identity(), features=5, reads=0).double()
    state = learner.adapt(support).state
    learner.forwards, learner.backwards = learner.backwards, learner.forwards
    turned = learner.adapt(support.take(list(range(9, -1, -1)))).state
    torch.testing.assert_close(turned["embedding"].flip(0), state["embedding"])
    assert (state["embedding"] - support.x).abs().max() > 1e-3


def test_full_context_reads_by_attention_over_the_embedded_support() -> None:
    support, query = support_and_query()
    learner = FullContext(nn.Identity(), features=5, reads=1).double()
    state = learner.adapt(support).state
    nothing = torch.zeros(20, 10, dtype=torch.float64), torch.zeros(20, 5, dtype=torch.float64)
    seen = learner.reader(query, nothing)[0] + query
    expected = learner.log_temperature.exp() * SIMILARITIES["cosine"](seen, state["embedding"])
    torch.testing.assert_close(learner.attention(state, query), expected.softmax(-1))


def test_film_untrained_is_a_prototypical_network_and_adds_what_it_generates() -> None:
    support, query = support_and_query()
    network = MLP([5, 7, 4], "tanh").double()
    learner = FiLM(network).double()
    torch.testing.assert_close(learner(support, query), ProtoNet(network)(support, query))
    with torch.no_grad():
        learner.generator.layers[-1].weight.normal_(generator=torch.Generator().manual_seed(0))
    deltas = learner.tell(support)
    told = MLP([5, 7, 4], "tanh").double()
    told.load_state_dict({n: p + deltas.get(n, 0) for n, p in network.state_dict().items()})
    torch.testing.assert_close(learner(support, query), ProtoNet(told)(support, query))
    assert set(deltas) == {"layers.0.bias", "layers.2.bias"}
