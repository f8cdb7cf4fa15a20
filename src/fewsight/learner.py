"""What is a learner? A pure, differentiable function from a support set and queries to scores.

    scores = learner.adapt(support)(query)        # the two verbs
    scores = learner(support, query)              # the same, as one function f(omega, support, query)

`omega`, what was meta-learned, are the module's parameters; `torch.func.functional_call(learner, omega, (support,
query))` makes them an argument. Training, evaluation, prediction and explanation see a learner only through this. A
new method implements `solve` (support -> adapted state, a tree of tensors) and `score` (state, query -> scores),
nothing more.

The contract every learner keeps, and `tests/test_contract.py` checks for every one registered:

1. an example of weight 0 is absent; 2. the order of the support does not matter (or `order_dependent` says it does);
3. queries do not influence each other (or `transductive` says they do); 4. a loop over tasks and a vectorised batch
agree; 5. derivatives in omega, weights, support inputs and queries are those of the function; 6. adapting changes
nothing in the learner; 7. saving and loading keeps predictions; 8. ways, shots and label names are free; 9. it
learns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewsight.errors import LearnerError
from fewsight.task import Support, Task, positive
from fewsight.tree import Tree

ABSENT = -1e4
"""The score of a class that has no support example: probability 0, yet finite."""


class Learner(nn.Module, ABC):
    """Base of all meta-learners; see the module docstring for the contract."""

    kinds: frozenset[str] = frozenset({"classification", "regression"})
    """The kinds of task it can learn."""
    order_dependent: ClassVar[bool] = False
    """Declares that the order of support examples matters."""
    label_order_matters: bool = False
    """Declares that predictions depend on the order of the classes (a fixed head)."""
    transductive: bool = False
    """Declares that queries influence each other (batch statistics of the queries)."""
    remarks: Sequence[str] = ()
    """What `fit` says of it before it begins."""
    progress: float = 1.0
    """The share of meta-training that is done, set by `fit`; only `meta_loss` may depend on it, and only by `stage`."""

    @property
    def stage(self) -> Hashable:
        """Changes when meta-training enters a part in which `meta_loss` is another function."""
        return None

    @classmethod
    def build(cls, network: nn.Module, outputs: int | None = None, **settings: Any) -> Learner:
        """The learner on top of `network`, from plain settings; `outputs` is the dimension of values in regression."""
        return cls(network, **settings)

    @abstractmethod
    def solve(self, support: Support) -> Tree:
        """Adapt: a tree of tensors that holds everything `score` needs of the task."""

    @abstractmethod
    def score(self, state: Tree, query: Tree) -> Tensor:
        """Scores `(Q, N)` (logits) or values `(Q, d)` of queries under an adapted state."""

    def forward(self, support: Support, query: Tree) -> Tensor:
        """f(omega, support, query): `(Q, N)` logits, or `(Q, d)` values in regression."""
        self.check(support)
        return mask_absent(self.score(self.solve(support), query), support)

    def meta_loss(self, task: Task) -> tuple[Tensor, Tensor]:
        """What meta-training minimises, a scalar, and the scores `(Q, N)` of the queries.

        The loss of the queries under `forward`, unless the method approximates its own gradient (FOMAML, iMAML,
        Reptile) or adds terms of its own (LEO).
        """
        scores = self(task.support, task.query)
        return task_loss(scores, task), scores

    def adapt(self, support: Support) -> Model:
        """The model for one task. Changes nothing in the learner."""
        self.check(support)
        return Model(self, support, self.solve(support))

    def trace(self, support: Support) -> AdaptationTrace:
        """The states from un-adapted to adapted, one after each step of adaptation."""
        silent = support.reweighted(torch.zeros_like(support.weight), drop=True)
        return AdaptationTrace(self, support, [self.solve(silent), self.solve(support)])

    def check(self, support: Support) -> None:
        """Raise LearnerError when this learner cannot learn this kind of task."""
        kind = "regression" if support.ways is None else "classification"
        if kind not in self.kinds:
            raise LearnerError(f"{type(self).__name__} learns {' and '.join(sorted(self.kinds))}, not {kind}")


@dataclass(frozen=True, eq=False)
class Model:
    """A learner adapted to one task: call it on queries."""

    learner: Learner
    support: Support
    state: Tree

    def __call__(self, query: Tree) -> Tensor:
        """Logits `(Q, N)`, columns in the order of `support.labels`; or values `(Q, d)` in regression."""
        return mask_absent(self.learner.score(self.state, query), self.support)

    @torch.no_grad()
    def probabilities(self, query: Tree) -> Tensor:
        """`(Q, N)`, rows sum to 1. Classification only."""
        if self.support.ways is None:
            raise LearnerError("probabilities are defined for classification; call the model for regression values")
        return self(query).softmax(-1)

    @torch.no_grad()
    def predict(self, query: Tree) -> list[Hashable] | Tensor:
        """The most probable label of each query, or values `(Q, d)` in regression."""
        scores = self(query)
        if self.support.ways is None:
            return scores
        labels = self.support.labels or tuple(range(self.support.ways))
        return [labels[index] for index in scores.argmax(-1).tolist()]


@dataclass(frozen=True, eq=False)
class AdaptationTrace:
    """The recorded steps of one adaptation: `states[0]` is un-adapted, `states[-1]` is the model's."""

    learner: Learner
    support: Support
    states: list[Tree]

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.states) - 1

    def models(self) -> list[Model]:
        return [Model(self.learner, self.support, state) for state in self.states]


def mask_absent(scores: Tensor, support: Support) -> Tensor:
    """Give classes that have no example the score ABSENT; regression values pass.

    Raises:
        LearnerError: fewer scores than the task has ways, from a network with a layer for classes of its own.
    """
    if support.ways is None:
        return scores
    if scores.shape[-1] < support.ways:
        raise LearnerError(
            f"this network gives {scores.shape[-1]} scores but the task has {support.ways} ways: give at most "
            f"{scores.shape[-1]} classes, or leave its last layer out and take a head for any number (head='shared')"
        )
    return torch.where(support.present, scores[..., : support.ways], ABSENT)


def example_losses(scores: Tensor, target: Tensor) -> Tensor:
    """Loss of each example, `(Q,)`: cross-entropy for class indices, mean squared error for values."""
    if target.is_floating_point():
        return (scores - target).square().mean(-1)
    return F.cross_entropy(scores, target, reduction="none")


def task_loss(scores: Tensor, task: Task) -> Tensor:
    """Mean loss over the queries of a task, a scalar; padding queries do not count."""
    weight, scores = task.query_weight, scores.to(task.query_weight.dtype)  # never summed in reduced precision
    return (example_losses(scores, task.target) * weight).sum() / positive(weight.sum())


def task_metric(scores: Tensor, task: Task) -> Tensor:
    """Accuracy of a classification task, mean squared error of a regression task; a scalar."""
    weight = task.query_weight
    if task.target.is_floating_point():
        each: Any = (scores - task.target).square().mean(-1)
    else:
        each = (scores.argmax(-1) == task.target).to(weight.dtype)
    return (each * weight).sum() / positive(weight.sum())
