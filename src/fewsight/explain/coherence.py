"""Do different tasks pull the parameters the same way? Directions of adaptation, compared between tasks (B3).

Where they agree, the learner could have made that move once and for all; where they do not, the layer is what tells
tasks apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.adaptation import AdaptsParameters, joined, layers
from fewsight.explain.explanation import Explanation
from fewsight.explain.game import half_width
from fewsight.learner import Learner
from fewsight.task import Support


def coherence(learner: Learner, supports: Sequence[Support]) -> Explanation:
    """Mean cosine between the moves theta_T - theta_0 of pairs of tasks, for each layer, `(L,)`.

    Layers whose shapes differ between the tasks (a head, where ways differ) are left out. Intervals are over disjoint
    pairs of tasks, which are independent.

    Args:
        supports: of at least two tasks.

    Raises:
        ExplanationError: the learner does not adapt parameters step by step, or fewer than two tasks.
    """
    if not isinstance(learner, AdaptsParameters):
        raise ExplanationError(f"{type(learner).__name__} does not adapt parameters step by step")
    if len(supports) < 2:
        raise ExplanationError(
            f"directions are compared between tasks: give at least two supports, not {len(supports)}"
        )
    moves = []
    with torch.no_grad():
        for support in supports:
            states = learner.trace(support).states
            start, end = states[0]["theta"], states[-1]["theta"]
            moves.append({name: end[name] - value for name, value in learner.moving(start).items()})
    shared = [name for name in moves[0] if len({move[name].shape for move in moves}) == 1]
    groups = layers(shared)
    cosines = {layer: _cosines([joined(move, names) for move in moves]) for layer, names in groups.items()}
    pairs = list(combinations(range(len(moves)), 2))
    disjoint = [pairs.index((i, i + 1)) for i in range(0, len(moves) - 1, 2)]
    mean = np.array([each.mean() for each in cosines.values()])
    half = np.array([half_width(each[disjoint]) for each in cosines.values()])
    sizes = {layer: sum(moves[0][name].numel() for name in names) for layer, names in groups.items()}
    return Explanation(
        kind="coherence",
        question="Do different tasks move the parameters of each layer in the same direction?",
        values=mean,
        players=tuple(groups),
        target=f"cosine between the moves of {len(moves)} tasks",
        value=float(mean.mean()) if len(mean) else float("nan"),
        baseline=None,
        baseline_name="",
        semantics="readout",
        interval=np.stack([mean - half, mean + half], -1),
        notes=(
            "Unrelated directions have a cosine of about 0, give or take 1 / sqrt(numbers in the layer).",
            "The order of the classes is arbitrary, so a head may look less coherent than it is.",
        ),
        provenance={"learner": type(learner).__name__, "tasks": len(moves), "pairs": len(pairs), "numbers": sizes},
    )


def _cosines(moves: list[torch.Tensor]) -> np.ndarray:
    """Of all pairs, in the order of `combinations`; a task that does not move agrees with none."""
    directions = torch.stack([move / move.norm().clamp(min=1e-300) for move in moves])
    upper = torch.triu_indices(len(moves), len(moves), 1)
    return (directions @ directions.T)[upper[0], upper[1]].cpu().numpy()
