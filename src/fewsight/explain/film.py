"""What was the network told about the task? Scales and shifts that the support set, without a step, has moved (B4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from fewsight.errors import ExplanationError
from fewsight.explain.adaptation import joined, layers
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.task import Support


@runtime_checkable
class Told(Protocol):
    """A learner whose support set moves parameters of its embedding by one forward pass (FiLM)."""

    embedding_model: nn.Module

    def tell(self, support: Support) -> dict[str, Tensor]:
        """What is added to each of those parameters, by name."""


def film(case: Case) -> Explanation:
    """|delta| / |theta| of the parameters of each layer that the support set moves, `(L,)`; NaN where they are 0.

    The provenance holds the deltas themselves, by name: theta + delta are the parameters that embed this task.
    Requeima et al., "Fast and Flexible Multi-Task Classification Using Conditional Neural Adaptive Processes", 2019.

    Raises:
        ExplanationError: nothing tells the network of this learner about the task.
    """
    learner = case.learner
    if not isinstance(learner, Told):
        raise ExplanationError(f"{type(learner).__name__} tells its network nothing about the task (FiLM does)")
    with case.frozen(), torch.no_grad():
        deltas = learner.tell(case.support)
    own, groups = dict(learner.embedding_model.named_parameters()), layers(deltas)

    def relative(names: Iterable[str]) -> float:
        moved, size = joined(deltas, names).norm().item(), joined(own, names).norm().item()
        return moved / size if size else 0.0 if not moved else float("nan")

    values = np.array([relative(names) for names in groups.values()])
    zero = [layer for layer, each in zip(groups, values, strict=True) if np.isnan(each)]
    return Explanation(
        kind="film",
        question="How far did the support set move the scales and shifts of each layer, as a share of their size?",
        values=values,
        players=tuple(groups),
        target="distance that parameters moved, as a share of their size",
        value=relative(list(deltas)),
        baseline=None,
        baseline_name="",
        semantics="readout",
        notes=(
            "What the network was told in one forward pass; how much that mattered is another question.",
            *(f"{layer} starts at 0, so its move has no relative size." for layer in zero),
        ),
        provenance=case.record(deltas={name: delta.tolist() for name, delta in deltas.items()}),
    )
