"""How can learning rates be meta-learned? As multipliers of whatever step the inner optimizer takes.

They multiply the *step*, not the gradient, so they go with every inner optimizer; with plain gradient descent the two
are the same and alpha = inner_lr * multiplier. All start at 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fewsight.errors import LearnerError, suggest
from fewsight.inner.optimizer import Parameters

KINDS = {"parameter": "one for each number", "layer": "one for each tensor and step"}


class Rates(nn.Module):
    """Learned step multipliers.

    Args:
        kind: "parameter" (Meta-SGD: a rate for each number, Li et al. 2017, equation 1) or "layer" (one for each tensor
            and inner step: MAML++, Antoniou et al. 2019, section 4, "LSLR").
        shapes: of the parameters that adapt, by name, without a dimension for classes: classes share their rates.
        steps: inner steps; later ones use the last rate.
    """

    def __init__(self, kind: str, shapes: Mapping[str, torch.Size], steps: int) -> None:
        super().__init__()
        if kind not in KINDS:
            raise LearnerError(f"unknown rates {kind!r}{suggest(kind, KINDS)}")
        self.steps = steps
        self.multiplier = nn.ParameterDict(
            {
                self._key(name): nn.Parameter(torch.ones(shape if kind == "parameter" else (steps,)))
                for name, shape in shapes.items()
            }
        )
        self.kind = kind

    def forward(self, before: Parameters, after: Parameters, step: int) -> Parameters:
        """The parameters after inner step number `step` (from 0), whose own move was `before` -> `after`."""
        return {name: value + self._of(name, step, value) * (after[name] - value) for name, value in before.items()}

    def _of(self, name: str, step: int, value: Tensor) -> Tensor:
        found = self.multiplier[self._key(name)]
        if self.kind == "layer":
            return found[min(step, self.steps - 1)]
        # A fixed head on a task of fewer ways has fewer rows than rates.
        return found[: value.shape[0]] if found.ndim and found.ndim == value.ndim else found

    @staticmethod
    def _key(name: str) -> str:
        return name.replace(".", "/")  # dots mean nesting in a module's names
