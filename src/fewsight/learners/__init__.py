"""Every learner by name. Registering one here gives it the whole test matrix, recipes and the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from fewsight.errors import RecipeError, suggest
from fewsight.learner import Learner
from fewsight.learners.gradient.maml import MAML
from fewsight.learners.gradient.variants import VARIANTS
from fewsight.learners.metric.film import FiLM
from fewsight.learners.metric.full_context import FullContext
from fewsight.learners.metric.in_context import InContext
from fewsight.learners.metric.mahalanobis import MahalanobisProtoNet
from fewsight.learners.metric.matching import MatchingNetwork
from fewsight.learners.metric.protonet import ProtoNet
from fewsight.learners.metric.relation import RelationNetwork
from fewsight.learners.metric.ridge import Ridge
from fewsight.learners.optimizer.leo import LEO

LEARNERS: dict[str, Callable[..., Learner]] = {
    "protonet": ProtoNet.build,
    "matching": MatchingNetwork.build,
    "matching-fce": FullContext.build,
    "mahalanobis": MahalanobisProtoNet.build,
    "relation": RelationNetwork.build,
    "ridge": Ridge.build,
    "film": FiLM.build,
    "in-context": InContext.build,
    "maml": MAML.build,
    **VARIANTS,
    "leo": LEO.build,
    "meta-lstm": partial(MAML.build, inner_optimizer="meta-lstm", outer="first_order"),
}


def create(name: str, network: nn.Module, outputs: int | None = None, **settings: Any) -> Learner:
    """The learner registered as `name` on top of `network`; `outputs` is the dimension of values in regression."""
    if name not in LEARNERS:
        raise RecipeError(f"unknown learner {name!r}{suggest(name, LEARNERS)}")
    try:
        return LEARNERS[name](network, outputs, **settings)
    except TypeError as error:
        raise RecipeError(f"learner {name!r} does not take these settings: {error}") from error


__all__ = [
    "LEARNERS",
    "LEO",
    "MAML",
    "FiLM",
    "FullContext",
    "InContext",
    "MahalanobisProtoNet",
    "MatchingNetwork",
    "ProtoNet",
    "RelationNetwork",
    "Ridge",
    "create",
]
