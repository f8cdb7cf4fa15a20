"""Which layers did the adapting? Adapted weights in some layers, initial ones in the others; Shapley over layers (B2).

No re-adaptation: 2^L forward passes. Raghu et al., "Rapid Learning or Feature Reuse?", 2020, froze layers one group at
a time; here every combination counts.
"""

from __future__ import annotations

import numpy as np

from fewsight.explain import game
from fewsight.explain.adaptation import Parameters, fixed_layers, joined, layers, thetas, values_at
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.progress import bar
from fewsight.explain.quadrature import residual


def layer_swap(case: Case) -> Explanation:
    """Shapley values of the layers, `(L,)`; exact, and they sum to F(theta_T) - F(theta_0).

    A layer that adaptation leaves as it is gets 0. More than `game.EXACT` layers are merged into their parent modules.

    Raises:
        ExplanationError: the learner does not adapt parameters step by step.
    """
    path = thetas(case)
    start, end = path[0], path[-1]
    groups = layers(start, game.EXACT)
    moved = {layer: names for layer, names in groups.items() if (joined(start, names) != joined(end, names)).any()}

    def hybrid(adapted: np.ndarray) -> Parameters:
        return start | {
            name: end[name] for names, swapped in zip(moved.values(), adapted, strict=True) if swapped for name in names
        }

    masks = game.coalitions(len(moved))
    earned = np.empty(len(masks))
    with bar("swapping layers", len(masks), case.clock) as progress:
        for i, adapted in enumerate(masks):
            earned[i] = values_at(case, [hybrid(adapted)])[0]
            progress.advance(1)
    shares = dict(zip(moved, game.shapley(earned), strict=True))
    players = (*fixed_layers(case, start), *groups)
    values = np.array([shares.get(layer, 0.0) for layer in players])
    return Explanation(
        kind="layer_swap",
        question="Which layers made the difference between the un-adapted and the adapted prediction?",
        values=values,
        players=players,
        target=case.target.description,
        value=float(earned[-1]),
        baseline=float(earned[0]),
        baseline_name="the model before its first inner step",
        semantics="replace",
        residual=residual(values, earned[-1], earned[0]),
        bound=1e-6,
        notes=(
            f"Exact: all {len(masks)} combinations of adapted and initial layers, without adapting again.",
            *(("Layers that adaptation leaves as they are have exactly 0.",) if len(players) > len(moved) else ()),
        ),
        provenance=case.record(combinations=len(masks)),
    )
