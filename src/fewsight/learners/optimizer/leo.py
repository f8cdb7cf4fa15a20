"""LEO: adapt a low-dimensional code of the classifier, not the classifier.

Rusu et al., "Meta-Learning with Latent Embedding Optimization", 2019, algorithm 1. A relation encoder turns the support
into one code z_c for each class, a decoder turns a code into the class's weight vector, and the inner loop moves the
codes; a few last steps then move the weights. The paper works on frozen features of a wide residual network; here the
embedding network is meta-learned with everything else, unless its parameters are frozen.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import grad

from fewsight.learner import example_losses, mask_absent, task_loss
from fewsight.learners.metric.embedding import EmbeddingLearner
from fewsight.limits import Count, Natural, NonNegative, Positive
from fewsight.networks import MLP
from fewsight.networks.features import feature_size
from fewsight.networks.norm import Moments
from fewsight.task import Support, Task, positive
from fewsight.tree import Tree

LOG_SPREAD = -3.0
"""Where the log standard deviation of codes starts: noise as large as the codes would drown them."""


class LEO(EmbeddingLearner):
    """Classification by w_c . x with w_c decoded from an adapted code.

    The codes are drawn from the encoder's distribution in meta-training only; a model uses their means, so that
    adapting is a function.

    Args:
        features: D of the embedding; not needed when `embedding_model.out_features` says it.
        latent: dimension of the code.
        inner_steps, inner_lr: steps on the codes, and their initial rate, which is meta-learned.
        finetuning_steps, finetuning_lr: steps on the weights themselves, likewise.
        kl, encoder_penalty: weights of the Kullback-Leibler term and of |stop(z') - z|^2 in the meta-loss
            (equations 8 and 9).
        orthogonality: weight of the decoder's penalty |C - I|^2, C the correlations of what the entries of the code
            decode to (appendix B.2): codes whose entries say different things.
    """

    kinds = frozenset({"classification"})

    def __init__(
        self,
        embedding_model: nn.Module,
        *,
        features: Count | None = None,
        latent: Count = 32,
        inner_steps: Natural = 5,
        inner_lr: Positive = 1.0,
        finetuning_steps: Natural = 5,
        finetuning_lr: Positive = 0.1,
        kl: NonNegative = 1e-3,
        encoder_penalty: NonNegative = 1e-3,
        orthogonality: NonNegative = 1e-3,
        transductive: bool = False,
    ) -> None:
        super().__init__(embedding_model, "dot", transductive=transductive)
        features = feature_size(embedding_model, features, "LEO")
        self.encoder = nn.Linear(features, latent)
        self.relation = MLP([2 * latent, 2 * latent, 2 * latent])
        self.decoder = nn.Linear(latent, features)
        # It starts as a classifier by projected class means: codes that decode to noise teach the embedding nothing.
        nn.init.orthogonal_(self.encoder.weight)
        self.decoder.weight.data.copy_(self.encoder.weight.mT)
        nn.init.zeros_(self.relation.layers[-1].weight)  # type: ignore[arg-type]
        self.relation.layers[-1].bias = nn.Parameter(torch.tensor([0.0, LOG_SPREAD]).repeat_interleave(latent))
        self.inner_steps, self.finetuning_steps = inner_steps, finetuning_steps
        self.log_inner_lr = nn.Parameter(torch.tensor(inner_lr).log())
        self.log_finetuning_lr = nn.Parameter(torch.tensor(finetuning_lr).log())
        self.kl, self.encoder_penalty, self.orthogonality = kl, encoder_penalty, orthogonality

    def embed_support(self, support: Support) -> tuple[Tensor, Moments]:
        """As always, divided by the root of D: steps are then of one size for every number of features."""
        embedding, moments = super().embed_support(support)
        return embedding / embedding.shape[-1] ** 0.5, moments

    def embed_query(self, state: Tree, query: Tree) -> Tensor:
        embedding = super().embed_query(state, query)
        return embedding / embedding.shape[-1] ** 0.5

    def solve(self, support: Support) -> Tree:
        embedding, moments = self.embed_support(support)
        mean, _ = self.encode(embedding, support)
        weight, _ = self.descend(mean, embedding, support)
        return {"weight": weight, "moments": moments}

    def score(self, state: Tree, query: Tree) -> Tensor:
        return self.embed_query(state, query) @ state["weight"].mT

    def meta_loss(self, task: Task) -> tuple[Tensor, Tensor]:
        support = task.support
        embedding, moments = self.embed_support(support)
        mean, log_spread = self.encode(embedding, support)
        code = mean + log_spread.exp() * torch.randn_like(mean)
        weight, adapted = self.descend(code, embedding, support)
        scores = mask_absent(self.score({"weight": weight, "moments": moments}, task.query), support)
        divergence = 0.5 * (mean.square() + (2 * log_spread).exp() - 1 - 2 * log_spread).sum(-1)
        away = (adapted.detach() - code).square().sum(-1)
        here = support.present.to(divergence.dtype)
        extra = ((self.kl * divergence + self.encoder_penalty * away) * here).sum() / here.sum()
        return task_loss(scores, task) + extra + self.orthogonality * self._alike(), scores

    def encode(self, embedding: Tensor, support: Support) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of each class's code, `(N, latent)`: equation 3.

        Each example of the class is related to every example of the support, all counted by their shares. What the
        relation network says is added to the class's mean code, seen from the mean of the support.
        """
        codes = self.encoder(embedding)
        codes = codes - (support.reference / positive(support.reference.sum())) @ codes
        size = codes.shape[0]
        pairs = torch.cat([codes[:, None].expand(-1, size, -1), codes[None].expand(size, -1, -1)], -1)
        related = self.relation(pairs.flatten(0, 1)).reshape(size, size, -1)
        each = torch.einsum("k,ikd->id", support.share, related)
        related_mean, log_spread = (support.class_share.mT @ each).chunk(2, -1)
        return support.class_share.mT @ codes + related_mean, log_spread.clamp(-5, 2)

    def descend(self, code: Tensor, embedding: Tensor, support: Support) -> tuple[Tensor, Tensor]:
        """The adapted class weights `(N, D)` and codes: gradient steps on the codes, then on the weights."""

        def loss(weight: Tensor) -> Tensor:
            scores = mask_absent(embedding @ weight.mT, support)
            return (example_losses(scores, support.y) * support.share).sum()

        def of_code(z: Tensor) -> Tensor:
            return loss(self.decoder(z))

        rate, last = self.log_inner_lr.exp(), self.log_finetuning_lr.exp()
        for _ in range(self.inner_steps):
            code = code - rate * grad(of_code)(code)
        weight = self.decoder(code)
        for _ in range(self.finetuning_steps):
            weight = weight - last * grad(loss)(weight)
        return weight, code

    def _alike(self) -> Tensor:
        """|C - I|^2 / latent^2, C the correlations of the decoder's columns; 0 where they are orthogonal."""
        columns = nn.functional.normalize(self.decoder.weight, dim=0, eps=1e-6)
        return (columns.mT @ columns - torch.eye(columns.shape[1]).to(columns)).square().mean()
