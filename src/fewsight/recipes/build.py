"""How does a recipe become a learner? Its network on the domain's input shape, its learner on top, from one seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from fewsight import device, learners
from fewsight.learner import Learner
from fewsight.recipes.parts import NETWORKS
from fewsight.recipes.schema import Recipe
from fewsight.tree import Tree


class Shapes(Protocol):
    """What a learner needs to know of a domain; every domain has it."""

    @property
    def outputs(self) -> int | None: ...

    @property
    def input_shape(self) -> Any: ...


@runtime_checkable
class HasInputs(Protocol):
    """A domain whose data is at hand (a run that is used does without)."""

    def inputs(self, split: str) -> Iterable[Tree]: ...


@runtime_checkable
class Prepares(Protocol):
    """A network that learns something from the training inputs before meta-training: scales, an embedding."""

    def prepare(self, inputs: Iterable[Tree]) -> None:
        """See all training inputs once, in portions `(n, ...)`; the result is kept in parameters and buffers."""
        ...


def build(recipe: Recipe, domain: Shapes) -> Learner:
    """The untrained learner of `recipe`: the same recipe gives the same weights, and no global generator moves."""
    with device.random_numbers(recipe.training.seed):
        network = NETWORKS[recipe.network.name](domain.input_shape, **recipe.network.settings)
        if isinstance(network, Prepares) and isinstance(domain, HasInputs):
            network.prepare(domain.inputs("train"))
        return learners.create(recipe.learner.name, network, domain.outputs, **recipe.learner.settings)
