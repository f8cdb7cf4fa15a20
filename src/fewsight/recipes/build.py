"""How does a recipe become a learner? Its network on the domain's input shape, its learner on top, from one seed."""

from __future__ import annotations

from typing import Protocol

import torch

from fewsight import learners
from fewsight.learner import Learner
from fewsight.recipes.parts import NETWORKS
from fewsight.recipes.schema import Recipe


class Shapes(Protocol):
    """What a learner needs to know of a domain; every domain has it."""

    @property
    def outputs(self) -> int | None: ...

    @property
    def input_shape(self) -> tuple[int, ...]: ...


def build(recipe: Recipe, domain: Shapes) -> Learner:
    """The untrained learner of `recipe`: the same recipe gives the same weights, and no global generator moves."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.training.seed)
        network = NETWORKS[recipe.network.name](domain.input_shape, **recipe.network.settings)
        return learners.create(recipe.learner.name, network, domain.outputs, **recipe.learner.settings)
