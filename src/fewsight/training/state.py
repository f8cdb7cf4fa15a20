"""What must be kept to go on as if nothing had happened? Weights, Adam's moments, and how far the training came."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor

from fewsight.errors import RunError
from fewsight.learner import Learner


@dataclass
class Fit:
    """How far a training came.

    Attributes:
        step: steps taken.
        seconds: time they took, over all parts of a resumed training.
        best: best validation score (accuracy, or mean squared error); None without validation.
        best_step: when that was.
        stale: validations since.
        stopped: "finished", "early" (validation no longer improves), "interrupted" (can be resumed), "" while it runs.
    """

    step: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int = 0
    stale: int = 0
    stopped: str = ""


def pack(learner: Learner, optimizer: torch.optim.Optimizer, fit: Fit) -> dict[str, Any]:
    """Everything as a checkpoint's state; the learning rate is left out, it follows from the step."""
    return {"fit": asdict(fit), "weights": learner.state_dict(), "optimizer": moments(optimizer)}


def unpack(saved: dict[str, Any], learner: Learner, optimizer: torch.optim.Optimizer, origin: str) -> Fit:
    """Put a packed state back.

    Raises:
        RunError: it belongs to another learner.
    """
    load_weights(learner, saved["weights"], origin)
    put_moments(optimizer, saved["optimizer"])
    known = {field.name for field in fields(Fit)}
    return Fit(**{name: value for name, value in saved["fit"].items() if name in known})


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What the optimizer remembers of each parameter, by its number."""
    return {str(index): dict(values) for index, values in optimizer.state_dict()["state"].items()}


def put_moments(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Put back what `moments` gave."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for index, values in saved.items():
        parameter = parameters[int(index)]
        optimizer.state[parameter] = {name: _like(value, parameter) for name, value in values.items()}


def load_weights(learner: Learner, weights: dict[str, Tensor], origin: str) -> None:
    """Copy `weights` into `learner`; RunError when they are not of this learner."""
    try:
        learner.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise RunError(f"the weights in {origin} belong to another learner: {reason[:200]}") from None


def _like(value: Tensor, parameter: Tensor) -> Tensor:
    """A moment in the memory order of its parameter, as it was: steps then take the same path, as fast as before."""
    return torch.empty_like(parameter).copy_(value) if value.ndim else value
