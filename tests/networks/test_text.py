"""The n-gram encoder: the mask is a weight, its table comes from co-occurrence, its sums are those of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.func import vmap

from fewsight import tree
from fewsight.domains.texts.format import TextFormat
from fewsight.networks.cooccurrence import gram_vectors
from fewsight.networks.groupshares import UNSEEN, gram_profiles, texts_with
from fewsight.networks.text import SHARES, GramBag, TextEncoder
from fewsight.tree import Tree

FORM = TextFormat(length=6, grams=12)
TEXTS = ["cats purr", "the dog barks loudly", "a bank lends money to the dog now"]


@pytest.fixture(autouse=True)
def seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def encoder(**settings: object) -> TextEncoder:
    sizes = {"usage": 8, "hidden": 12} | settings
    network = TextEncoder(512, **sizes).double().eval()  # type: ignore[arg-type]
    for parameter in network.layers.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    if network.shares is not None:
        network.shares.normal_()
    return network


KINDS = [{}, {"spelling": 7}, {"spelling": 7, "bent": "usage"}, {"spelling": 7, "shares": 3}, {"window": 3}]
KINDS += [{"window": 3, "table": "trained"}]
every = pytest.mark.parametrize("settings", KINDS, ids=str)


def inputs(texts: list[str] = TEXTS) -> Tree:
    return tree.to(FORM.encode(texts, texts).x, torch.float64)


def test_bag_is_the_sum_of_its_rows_also_over_a_batch_of_tasks() -> None:
    ids = torch.randint(0, 20, (3, 4, 5))
    weight, table = torch.rand(3, 4, 5), torch.randn(20, 6)
    expected = (weight[..., None] * table[ids] * (ids > 0)[..., None]).sum(-2)
    torch.testing.assert_close(GramBag.apply(ids, weight, table), expected)
    torch.testing.assert_close(vmap(GramBag.apply, (0, 0, None))(ids, weight, table), expected)
    swapped = vmap(GramBag.apply, (1, 1, None), 1)(ids, weight, table)
    torch.testing.assert_close(swapped, expected)


def test_a_trained_table_starts_as_the_frozen_one() -> None:
    frozen, trained = encoder(), encoder(table="trained")
    trained.load_state_dict(frozen.state_dict())
    torch.testing.assert_close(frozen(inputs()), trained(inputs()))
    trained(inputs()).sum().backward()
    assert trained.usage.grad is not None
    assert "usage" not in dict(frozen.named_parameters())


@every
def test_a_hidden_token_has_no_influence(settings: dict[str, object]) -> None:
    network, x = encoder(**settings), inputs()
    mask, other = x["mask"].clone(), x["ids"].clone()
    mask[:, 1] = 0
    other[:, 1] = inputs(["x money"] * 3)["ids"][:, 1]
    hidden = network({**x, "mask": mask})
    torch.testing.assert_close(hidden, network({**x, "mask": mask, "ids": other}))
    assert (hidden - network(x)).abs().max() > 1e-3


@every
def test_padding_has_no_influence(settings: dict[str, object]) -> None:
    network, x = encoder(**settings), inputs()
    shorter = {"ids": x["ids"][:2, :5], "mask": x["mask"][:2, :5], "size": x["size"][:2]}
    torch.testing.assert_close(network(x)[:2], network(shorter))


@every
def test_the_mask_is_a_smooth_weight_down_to_nothing(settings: dict[str, object]) -> None:
    network, x = encoder(**settings), inputs()
    for mask in (torch.rand_like(x["mask"]), torch.zeros_like(x["mask"])):
        torch.autograd.gradcheck(lambda m: network({**x, "mask": m}), mask.requires_grad_())
        torch.autograd.gradgradcheck(lambda m: network({**x, "mask": m}), mask)


@every
def test_it_maps_over_tasks(settings: dict[str, object]) -> None:
    network, x = encoder(**settings), inputs()
    mapped = vmap(network)({leaf: value[:, None] for leaf, value in x.items()})[:, 0]
    torch.testing.assert_close(mapped, network(x))


def test_order_matters_with_a_window_only() -> None:
    first, second = inputs(["a b c", "c b a"])["ids"].shape, inputs(["one two three", "three two one"])
    assert len(first) == 3
    for window, same in ((1, True), (3, False)):
        features = encoder(window=window)(second)
        assert torch.allclose(features[0], features[1]) == same


def corpus() -> list[str]:
    """Two subjects whose words never meet."""
    rng = np.random.default_rng(0)
    subjects = (["cat", "purrs", "milk", "whiskers", "kitten"], ["bank", "lends", "money", "interest", "loans"])
    return [" ".join(rng.choice(subjects[i % 2], 3, replace=False)) for i in range(200)]


def token_vectors(network: TextEncoder, words: list[str]) -> torch.Tensor:
    ids = network._fold(inputs(words)["ids"][:, 0])
    return torch.nn.functional.normalize(GramBag.apply(ids, network.rarity[ids], network.usage), dim=-1)


def test_words_used_together_come_to_lie_together_and_new_words_beside_those_they_look_like() -> None:
    network = encoder(usage=2)
    network.prepare([inputs(corpus()[:100]), inputs(corpus()[100:])])
    cat, milk, bank, money, unseen = token_vectors(network, ["cat", "milk", "bank", "money", "kittens"])
    assert cat @ milk > cat @ bank + 0.5
    assert bank @ money > bank @ milk + 0.5
    assert unseen @ cat > unseen @ bank + 0.5


def test_spelling_keeps_the_inner_products_of_tf_idf() -> None:
    """Signed hashing is unbiased: among many features, cosines are those of the n-grams' weighted counts."""
    network = encoder(spelling=4096)
    network.prepare([inputs()])
    x = inputs()
    rarity = network.rarity[network._fold(x["ids"])] * (x["ids"] > 0)
    exact = torch.zeros(3, 1 << 20, dtype=torch.float64).scatter_add(1, x["ids"].flatten(1), rarity.flatten(1))
    hashed = network._written(x["ids"], rarity)
    torch.testing.assert_close(
        hashed @ hashed.mT, exact @ exact.mT, rtol=0.1, atol=0.05 * float((exact @ exact.mT).max())
    )


def test_rarity_is_the_inverse_document_frequency() -> None:
    network = encoder()
    network.prepare([inputs(["cat cat", "cat dog", "dog"]), inputs(["dog"])])
    first = network._fold(inputs(["cat", "dog", "bird"])["ids"][:, 0, 0])
    expected = [1 + np.log(5 / 3), 1 + np.log(5 / 4), 1 + np.log(5)]
    np.testing.assert_allclose(network.rarity[first].numpy(), expected, rtol=1e-6)


def test_inner_products_of_vectors_are_those_of_the_information_of_words() -> None:
    rng = np.random.default_rng(1)
    at = rng.random((60, 5)) < 0.5
    ids = np.where(at, np.arange(1, 6), 0)[..., None].astype(np.int32)  # a word is one n-gram
    vectors = gram_vectors(ids, 6, 5).astype(float)[1:]
    together = (at.T.astype(float) @ at) * (1 - np.eye(5))
    total = together.sum(1)
    information = np.log(together * together.sum() / np.outer(total, total) + 1e-300).clip(min=0)
    rows = information / np.linalg.norm(information, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors @ vectors.T, rows @ rows.T, atol=1e-5)


@every
def test_texts_differ_by_what_they_do_not_have_in_common(settings: dict[str, object]) -> None:
    """Before its layers learn, the parts of all training texts have mean 0, and a text of nothing is none of them."""
    network, x = encoder(**settings), inputs()
    network.prepare([x])
    torch.testing.assert_close(network._seen(x).mean(0), network.common, rtol=1e-5, atol=1e-6)
    network.layers[-1].weight.data.zero_()
    network.layers[-1].bias.data.zero_()
    assert network({**x, "mask": 0 * x["mask"]}).abs().max() == 0


@every
def test_the_mean_of_the_training_texts_can_be_left_in(settings: dict[str, object]) -> None:
    """Before the layers learn, features then point where the sum of the words points."""
    network, x = encoder(centred=False, **settings), inputs()
    network.prepare([x])
    assert network.common.abs().max() == 0
    network.layers[-1].weight.data.zero_()
    network.layers[-1].bias.data.zero_()
    weight = torch.ones(network.out_features, dtype=torch.float64)
    weight[sum(network.parts[:2]) :] = SHARES**0.5
    here, seen = (torch.nn.functional.normalize(each, dim=-1) for each in (network(x), weight * network._seen(x)))
    torch.testing.assert_close(here, seen, rtol=0, atol=0.02)


def test_spelling_can_stay_as_it_is_while_use_is_bent() -> None:
    """Up to the common length, what the layers do reaches the features of use alone."""
    network, x = encoder(spelling=7, bent="usage"), inputs()
    network.prepare([x])
    bent = network(x)
    network.layers[-1].weight.data.zero_()
    network.layers[-1].bias.data.zero_()
    plain = network(x)
    share = bent[:, 8:] / plain[:, 8:]
    torch.testing.assert_close(share, share[:, :1].expand_as(share), rtol=1e-6, atol=1e-6)
    assert not torch.allclose(bent[:, :8] / plain[:, :8], share[:, :1].expand(-1, 8), rtol=1e-2)


def test_a_checkpoint_holds_what_was_prepared() -> None:
    network = encoder(spelling=6)
    network.prepare([inputs(corpus())])
    again = encoder(spelling=6)
    again.load_state_dict(network.state_dict())
    assert torch.equal(network(inputs()), again(inputs()))


def held_in(groups: list[np.ndarray], buckets: int) -> np.ndarray:
    return np.stack([texts_with(group, buckets) for group in groups], 1)


def test_a_profile_is_how_much_likelier_each_class_is_made() -> None:
    """Two texts of one class, three of another; gram 1 in both classes, 2 in the second only, 3 in none."""
    groups = [np.array([[[1, 0]], [[1, 1]]]), np.array([[[1, 2]], [[2, 0]], [[2, 0]]])]
    share = np.array([2, 4]) / 6  # of what texts hold, twice in a text being once
    odds = np.zeros((4, 2))
    for gram, held in ((1, (2, 1)), (2, (0, 3))):
        odds[gram] = np.log((np.array(held) + UNSEEN * share) / (3 + UNSEEN) / share)
    for features in (2, 5):
        profiles = gram_profiles(held_in(groups, 4), features).astype(float)
        np.testing.assert_allclose(profiles @ profiles.T, odds @ odds.T, atol=1e-6)


def test_more_classes_than_features_keep_their_inner_products_roughly() -> None:
    rng = np.random.default_rng(0)
    groups = [rng.integers(1, 40, (30, 2, 2)) for _ in range(300)]
    exact, fewer = (gram_profiles(held_in(groups, 40), features)[1:].astype(float) for features in (300, 200))
    scale = (exact @ exact.T).diagonal().mean()
    assert np.abs(exact @ exact.T - fewer @ fewer.T).max() < 0.3 * scale


def test_shares_of_classes_are_hidden_while_training() -> None:
    """There they would tell the answer: features do not change with them, and have none of their own."""
    network, x = encoder(spelling=7, shares=2, dropout=0.0), inputs()
    network.prepare([inputs(corpus()[::2]), inputs(corpus()[1::2])])
    assert network(x)[:, -2:].abs().max() > 0.05
    assert network.train()(x)[:, -2:].abs().max() == 0


def test_shares_tell_classes_apart_that_share_no_word() -> None:
    """Words of new texts are known to belong to one training class or the other."""
    network = encoder(shares=2)
    network.prepare([inputs(corpus()[::2]), inputs(corpus()[1::2])])
    cat, milk, bank = network._seen(inputs(["cat purrs", "milk kitten", "bank loans"]))[:, -2:]
    assert cat @ milk > 0.9
    assert cat @ bank < -0.3
