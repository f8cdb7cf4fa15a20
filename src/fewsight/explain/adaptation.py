"""How did the parameters move? The inner loop of learners that adapt parameters step by step, recorded and taken apart.

A layer is the group of parameters of one module. F is seen here as a function of the adapted parameters theta: the
support moments that normalise the query are those under theta, so F(theta_T) is the prediction itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.learner import AdaptationTrace, Model
from fewsight.task import Support
from fewsight.tree import Tree

Parameters = dict[str, Tensor]


@runtime_checkable
class AdaptsParameters(Protocol):
    """A learner whose adaptation is a sequence of optimizer steps on named parameters."""

    optimizer: Any
    """`init(moving parameters)` gives its memory before the first step."""

    def trace(self, support: Support) -> AdaptationTrace:
        """States that hold the parameters as "theta"."""

    def state(self, theta: Parameters, support: Support) -> Tree:
        """The state of a model with these parameters."""

    def moving(self, theta: Parameters) -> Parameters:
        """Those of `theta` that adapt."""

    def inner_loss(self, theta: Parameters, origin: Parameters, support: Support) -> Tensor:
        """What the steps descend, a scalar: linear in the weights of the support, and terms without them."""

    def advance(self, theta: Parameters, gradients: Parameters, state: Any, index: int) -> tuple[Parameters, Any]:
        """theta after step `index` on these gradients, and the optimizer's memory."""


@dataclass(frozen=True, eq=False)
class Step:
    """One inner step: theta before and after, the gradients of the moving parameters, the optimizer's memory after."""

    before: Parameters
    after: Parameters
    gradients: Parameters
    memory: Any

    def moved(self, names: Iterable[str]) -> Tensor:
        return joined(self.after, names) - joined(self.before, names)


def without_parameters(case: Case) -> str:
    """Why nothing here is defined for a case, or ""."""
    adapts = isinstance(case.learner, AdaptsParameters)
    return "" if adapts else f"{type(case.learner).__name__} does not adapt parameters step by step"


def adapting(case: Case) -> AdaptsParameters:
    """The learner as one that adapts parameters; raises ExplanationError where it does not."""
    if not isinstance(case.learner, AdaptsParameters):
        raise ExplanationError(without_parameters(case))
    return case.learner


def thetas(case: Case) -> list[Parameters]:
    """theta_0, ..., theta_T, detached."""
    learner = adapting(case)
    with case.frozen(), torch.no_grad():
        states = learner.trace(case.support).states
    return [{name: value.detach() for name, value in state["theta"].items()} for state in states]


def replay(case: Case) -> list[Step]:
    """The T inner steps; raises ExplanationError where there is none."""
    learner, path, steps = adapting(case), thetas(case), []
    if len(path) == 1:
        raise ExplanationError("this learner takes no inner step (inner_steps=0), so its parameters do not move")
    memory = learner.optimizer.init(learner.moving(path[0]))
    for index, (before, after) in enumerate(pairwise(path)):
        gradients = loss_gradients(case, before, path[0])
        with case.frozen(), torch.no_grad():
            _, memory = learner.advance(before, gradients, memory, index)
        steps.append(Step(before, after, gradients, memory))
    return steps


def value_at(case: Case, theta: Parameters) -> Tensor:
    """F of the model with parameters `theta`, a float64 scalar; differentiable in them."""
    state = adapting(case).state(theta, case.support)
    return case.target(Model(case.learner, case.support, state)(case.query)[0].double())


def values_at(case: Case, points: Iterable[Parameters]) -> list[float]:
    """F at each of these parameters."""
    with torch.no_grad():
        found = []
        for theta in points:
            with case.frozen():
                found.append(value_at(case, theta).item())
        return found


def slopes_at(case: Case, theta: Parameters) -> Parameters:
    """dF/dtheta of the moving parameters."""
    moving = attached(adapting(case).moving(theta))
    with case.frozen(), torch.enable_grad():
        found = torch.autograd.grad(value_at(case, theta | moving), list(moving.values()), materialize_grads=True)
    return dict(zip(moving, found, strict=True))


def loss_gradients(case: Case, theta: Parameters, origin: Parameters) -> Parameters:
    """The gradient of the inner loss in the moving parameters, at `theta` when adaptation began at `origin`."""
    learner, moving = adapting(case), attached(adapting(case).moving(theta))
    with case.frozen(), torch.enable_grad():
        loss = learner.inner_loss(theta | moving, origin, case.support)
        found = torch.autograd.grad(loss, list(moving.values()), materialize_grads=True)
    return dict(zip(moving, found, strict=True))


def layers(names: Iterable[str], most: int | None = None) -> dict[str, list[str]]:
    """Parameter names by the module they belong to; modules are merged into their parents until `most` are left."""
    names = list(names)
    modules = [(name.rpartition(".")[0] or name).split(".") for name in names]
    for depth in range(max(map(len, modules), default=0), 0, -1):
        grouped: dict[str, list[str]] = {}
        for module, name in zip(modules, names, strict=True):
            grouped.setdefault(".".join(module[:depth]), []).append(name)
        if most is None or len(grouped) <= most:
            break
    return grouped if names else {}


def fixed_layers(case: Case, theta: Parameters) -> list[str]:
    """Layers whose parameters the prediction reads from the learner itself, so that adaptation leaves them alone."""
    twin = trainable_twin(case)
    parameters = dict(twin.learner.named_parameters())
    with twin.frozen(), torch.enable_grad():
        scores = Model(twin.learner, twin.support, adapting(twin).state(theta, twin.support))(twin.query)
        if not scores.requires_grad:
            return []
        found = torch.autograd.grad(scores.sum(), list(parameters.values()), allow_unused=True)
    read = [name for name, slope in zip(parameters, found, strict=True) if slope is not None]
    return [layer for layer in layers(read) if layer not in layers(theta)]


def trainable_twin(case: Case) -> Case:
    """The case with a copy of the learner, all of whose parameters can be moved and differentiated in."""
    return case.variant(learner=deepcopy(case.learner).requires_grad_(True))


def joined(parameters: Mapping[str, Tensor], names: Iterable[str]) -> Tensor:
    """These parameters as one float64 vector."""
    return torch.cat([parameters[name].detach().double().reshape(-1) for name in names])


def attached(parameters: Parameters) -> Parameters:
    """The same values as leaves to differentiate in."""
    return {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
