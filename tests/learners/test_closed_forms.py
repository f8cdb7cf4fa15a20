"""Metric-based and latent learners against closed forms and scikit-learn."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import Ridge as SklearnRidge

from fewsight.learners import LEO, InContext, MahalanobisProtoNet, MatchingNetwork, RelationNetwork, Ridge
from fewsight.learners.metric.in_context import Block
from fewsight.networks import MLP
from fewsight.task import Support, Task


def body() -> MLP:
    torch.manual_seed(0)
    return MLP([3, 8, 4], "tanh").double()


def inputs(size: int, seed: int) -> torch.Tensor:
    return torch.randn(size, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def support(weight: list[float] | None = None) -> Support:
    given = Support.of(inputs(6, 0), ["a", "b", "c", "a", "b", "a"]).to(torch.float64)
    return given if weight is None else given.reweighted(torch.tensor(weight, dtype=torch.float64))


def with_constant(features: torch.Tensor) -> np.ndarray:
    scaled = features.detach().numpy() / features.shape[1] ** 0.5
    return np.concatenate([scaled, np.ones((len(scaled), 1))], 1)


def test_ridge_agrees_with_scikit_learn() -> None:
    learner = Ridge(body(), regularisation=0.7, scale=9.0).double()
    x, query = (with_constant(learner.embedding_model(inputs(n, seed))) for n, seed in ((6, 0), (5, 1)))
    weight = [1.0, 0.3, 2.0, 1.0, 0.0, 0.5]
    given = support(weight)
    values = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for case, targets, scale in (
        (given, given.one_hot, 9.0),
        (Support.of(given.x, values).reweighted(given.weight), values, 1.0),
    ):
        reference = SklearnRidge(alpha=0.7, fit_intercept=False).fit(x, targets.numpy(), sample_weight=weight)
        scores = learner(case, inputs(5, 1))
        np.testing.assert_allclose(scores.detach(), scale * reference.predict(query), rtol=2e-7)


def test_mahalanobis_agrees_with_covariances_by_numpy() -> None:
    learner = MahalanobisProtoNet(body(), beta=0.2).double()
    x, query = (learner.embedding_model(inputs(n, s)).detach().numpy() / 2 for n, s in ((6, 0), (5, 1)))
    label = support().y.numpy()
    expected = []
    for c in range(3):
        own = x[label == c]
        trust = len(own) / (len(own) + 1)
        shape = trust * np.cov(own.T, bias=True) + (1 - trust) * np.cov(x.T, bias=True)
        shape += learner.log_beta.exp().item() * np.eye(4)
        away = query - own.mean(0)
        expected.append(-0.5 * np.einsum("qd,de,qe->q", away, np.linalg.inv(shape), away))
    scores = learner(support(), inputs(5, 1)).detach()
    np.testing.assert_allclose(scores, np.stack(expected, 1), rtol=1e-8)


def test_relation_scores_each_pair_by_its_own() -> None:
    torch.manual_seed(1)
    learner = RelationNetwork(body(), features=4).double()
    features, query = (learner.embedding_model(inputs(n, seed)) for n, seed in ((6, 0), (5, 1)))
    scores = learner(support(), inputs(5, 1))
    for c in range(3):
        p = features[support().y == c].mean(0)
        for q in range(5):
            pair = torch.cat([p, query[q], (query[q] - p).square()])
            torch.testing.assert_close(scores[q, c], learner.relation(pair[None])[0, 0])


def test_in_context_starts_as_a_matching_network() -> None:
    torch.manual_seed(1)
    learner = InContext(body(), features=4).double()

    def around_the_support(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        a, b = (part - b.mean(0) for part in (a, b))
        return a @ b.mT / torch.outer((a.square().sum(-1) + 0.01).sqrt(), (b.square().sum(-1) + 0.01).sqrt())

    entered = torch.nn.Sequential(learner.embedding_model, learner.enter, learner.last)
    matching = MatchingNetwork(entered, around_the_support, temperature=10.0).double()
    torch.testing.assert_close(learner(support(), inputs(5, 1)), matching(support(), inputs(5, 1)))


def test_a_block_reads_by_torchs_attention_with_a_bonus_for_the_same_class() -> None:
    torch.manual_seed(1)
    block = Block(8, 2).double()
    for parameter in block.parameters():
        parameter.data.normal_()
    x, context = (torch.randn(n, 8, dtype=torch.float64) for n in (5, 6))
    same = torch.randint(0, 2, (5, 6)).double()
    present = torch.tensor([1.0, 1, 0, 1, 1, 1], dtype=torch.float64)

    def heads(part: torch.Tensor) -> torch.Tensor:
        return part.reshape(len(part), 2, 4).transpose(0, 1)

    keys, values = block.keyvalue(block.before(context)).chunk(2, -1)
    bias = block.same[:, None, None] * same + present.log()
    read = torch.nn.functional.scaled_dot_product_attention(
        heads(block.query(block.before(x))), heads(keys), heads(values), attn_mask=bias
    )
    expected = x + block.out(read.transpose(0, 1).reshape(5, 8))
    expected = expected + block.mlp(block.between(expected))
    torch.testing.assert_close(block(x, context, same, {"weight": present, "reference": present}), expected)


def test_leo_encodes_a_class_by_all_pairs_that_begin_in_it() -> None:
    torch.manual_seed(1)
    learner = LEO(body(), features=4, latent=3).double()
    for parameter in learner.relation.parameters():
        parameter.data.normal_(std=0.3)
    given = support()
    embedding, _ = learner.embed_support(given)
    mean, log_spread = learner.encode(embedding, given)
    codes = learner.encoder(embedding)
    codes = codes - codes.mean(0)
    for c in range(3):
        own = [i for i in range(6) if given.y[i] == c]
        pairs = [learner.relation(torch.cat([codes[i], codes[j]])[None])[0] for i in own for j in range(6)]
        related = torch.stack(pairs).mean(0)
        torch.testing.assert_close(mean[c], codes[own].mean(0) + related[:3])
        torch.testing.assert_close(log_spread[c], related[3:].clamp(-5, 2))


def test_leo_is_held_by_the_divergence_and_the_way_of_its_codes() -> None:
    torch.manual_seed(1)
    given, query = support(), inputs(5, 1)
    task = Task(given, query, torch.tensor([0, 1, 2, 0, 1]))

    def loss(**penalties: float) -> torch.Tensor:
        torch.manual_seed(2)
        learner = LEO(
            body(), features=4, latent=3, **({"kl": 0.0, "encoder_penalty": 0.0, "orthogonality": 0.0} | penalties)
        )
        torch.manual_seed(3)
        found = learner.double().meta_loss(task)[0]
        torch.manual_seed(3)
        embedding, _ = learner.embed_support(given)
        mean, log_spread = learner.encode(embedding, given)
        code = mean + log_spread.exp() * torch.randn_like(mean)
        normal = torch.distributions.Normal
        parts = {
            "kl": torch.distributions.kl_divergence(normal(mean, log_spread.exp()), normal(0.0, 1.0)).sum(-1).mean(),
            "encoder_penalty": (learner.descend(code, embedding, given)[1] - code).square().sum(-1).mean(),
            "orthogonality": learner._alike(),
        }
        return found - sum(weight * parts[name] for name, weight in penalties.items())

    plain = loss()
    for name in ("kl", "encoder_penalty"):
        torch.testing.assert_close(loss(**{name: 0.7}), plain)
    assert LEO(body(), features=4, latent=3)._alike() < 1e-10  # it starts with orthogonal columns


def test_leo_code_moves_downhill_and_a_model_is_a_function() -> None:
    torch.manual_seed(1)
    learner = LEO(body(), features=4, finetuning_steps=0, inner_lr=0.1).double()
    given = support()
    embedding, _ = learner.embed_support(given)
    code, _ = learner.encode(embedding, given)
    weight, adapted = learner.descend(code, embedding, given)

    def loss(z: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(embedding @ learner.decoder(z).mT, given.y)

    by_hand = code
    for _ in range(5):
        at = by_hand.detach().requires_grad_()
        by_hand = by_hand - 0.1 * torch.autograd.grad(loss(at), at)[0]
    torch.testing.assert_close(adapted, by_hand)
    assert loss(adapted) < loss(code)
    assert torch.equal(learner(given, inputs(5, 1)), learner(given, inputs(5, 1)))
    torch.testing.assert_close(weight, learner.decoder(adapted))
