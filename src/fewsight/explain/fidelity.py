"""Is it true? An explanation measured against what happens when what it names really goes and the learner adapts again.

Approximations are held to what they approximate, and values that claim to add up to adding up on every subset. The
other figures are questions of their own (an exact Shapley value need not rank like leave-one-out) and have no pass
mark.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from fewsight.explain import coalitions, game, subsets
from fewsight.explain.case import Case
from fewsight.explain.curves import ORDERS, STEPS, deletion_insertion
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.game import half_width
from fewsight.explain.inputs import Inputs
from fewsight.explain.kernel import kernel_leave_one_out
from fewsight.explain.prototypes import prototype_leave_one_out
from fewsight.explain.quadrature import resolution
from fewsight.explain.query import query_values
from fewsight.explain.readout import attention_leave_one_out
from fewsight.explain.statistics import AGREEMENT, FEWEST, correlation_interval, rank_correlation

DRAWS = 128
"""Random halves of the query that its infidelity is measured on."""
CLOSED_FORMS = {
    "attention": attention_leave_one_out,
    "prototypes": prototype_leave_one_out,
    "kernel_votes": kernel_leave_one_out,
}


def measure(case: Case, explanation: Explanation, of: str) -> tuple[Measure, ...]:
    """The measures for an explanation of the "support" or of the "query"; none for other players."""
    return MEASURES[of](case, explanation) if of in MEASURES else ()


def adaptations(case: Case) -> int:
    """How many adaptations `of_support` may take that are not known yet."""
    size = case.support.size
    needed = 2**size if size <= game.EXACT else 2 * (ORDERS + 1) * min(size, STEPS)
    return max(0, needed + size - len(case.known))


def of_support(case: Case, explanation: Explanation) -> tuple[Measure, ...]:
    """Measures of an explanation whose players are the support examples, `(K,)` or pairs `(K, K)`."""
    values, kind = explanation.values, explanation.kind
    additive = explanation.residual is not None and explanation.semantics == "drop"
    small = len(values) <= game.EXACT
    measures = []
    if values.ndim == 1:
        removal = subsets.leave_one_out(case).values
        references = {
            "leave_one_out_drop": ("exact leave-one-out (drop)", subsets.leave_one_out(case, drop=True).values)
        }
        if np.isfinite(removal).any():
            references["leave_one_out"] = ("exact leave-one-out (renormalise)", removal)
        if kind == "path" and small:
            references["shapley"] = ("exact Shapley values", game.shapley(subsets.table(case)))
        held = {"influence": "leave_one_out_drop", "path": "shapley"}.get(kind)
        measures += [
            agreement(name, values, exact, held=reference == held)
            for reference, (name, exact) in references.items()
            if reference != kind
        ]
        if kind in CLOSED_FORMS and np.isfinite(removal).any():
            measures.append(closed_form(CLOSED_FORMS[kind](case), removal))
    if small:
        earned = subsets.table(case)
        measures.append(datamodelling_score(values, earned, held=additive))
        measures.append(infidelity(_predicted(values), earned))
    if values.ndim == 1:
        generator = np.random.default_rng([case.seed, len(values)])

        def evaluate(masks: np.ndarray) -> np.ndarray:
            return coalitions.values(case, masks)

        order = np.nan_to_num(values)
        measures += deletion_insertion(order, evaluate, generator, "support examples", held=additive)
    return tuple(measures)


def of_query(case: Case, explanation: Explanation) -> tuple[Measure, ...]:
    """Deletion and insertion of an explanation whose players are parts of the query (zeros take their place)."""
    inputs = Inputs.of(case.query, case.parts)
    start = inputs.baseline(None)
    patches = "patch" in explanation.provenance
    cell = inputs.cells(explanation.provenance["patch"]) if patches else np.arange(inputs.vector.numel())
    # Parts that equal the baseline cannot matter: random orders that waste time on them would be too easy to beat.
    differs = (inputs.vector != start).cpu().numpy() & ~inputs.vector.isnan().cpu().numpy()
    players = np.unique(cell[differs])
    where = torch.from_numpy(np.searchsorted(players, cell).clip(max=len(players) - 1)).to(start.device)

    def evaluate(masks: np.ndarray) -> np.ndarray:
        shown = torch.from_numpy(masks).to(start.device)[:, where]
        return query_values(case, inputs, torch.where(shown, inputs.vector, start)).cpu().numpy()

    generator = np.random.default_rng([case.seed, len(players)])
    held = explanation.residual is not None
    values = explanation.values.reshape(-1)[players]
    curves = deletion_insertion(values, evaluate, generator, "parts of the query", held=held)
    if explanation.semantics == "derivative":  # a slope says something of a change when it is multiplied by it
        values = values * (inputs.vector - start).double().cpu().numpy()[players]
    halves = generator.random((DRAWS, len(players))) < 0.5
    masks = np.concatenate([halves, np.ones((1, len(players)), dtype=bool)])
    return (*curves, infidelity(masks @ values, evaluate(masks), sampled=True)) if len(players) else curves


def agreement(name: str, values: np.ndarray, exact: np.ndarray, *, held: bool) -> Measure:
    """Rank correlation with exact values, over the players that have both; a pass mark where it is `held` to them."""
    players = int(np.isfinite(values + exact).sum())
    rho = rank_correlation(values, exact)
    missing = len(values) - players
    meaning = f"whether it ranks the support examples like {name}, which adapts again without them"
    if missing:
        meaning += f"; {missing} left out, whose class disappears with them"
    if np.isnan(rho):
        meaning += f"; not defined: fewer than {FEWEST} examples to compare, or all alike"
    passed = None if np.isnan(rho) or not held else rho >= AGREEMENT
    return Measure(f"rank correlation with {name}", rho, correlation_interval(rho, players), passed, meaning)


def datamodelling_score(values: np.ndarray, earned: np.ndarray, *, held: bool) -> Measure:
    """Spearman correlation, over all subsets S, of F(S) with the sum of the values inside S.

    Park et al., "TRAK: Attributing Model Behavior at Scale", 2023, definition 2.3, on all subsets instead of a sample.

    Args:
        values: one for each player `(n,)`, or for each pair `(n, n)`.
        earned: F of all subsets, `(2^n,)`.
        held: whether the values claim to add up, so that a low score is a failure.
    """
    rho = rank_correlation(_predicted(values), earned)
    return Measure(
        "linear datamodelling score over all subsets",
        rho,
        None,
        None if np.isnan(rho) or not held else rho >= AGREEMENT,
        "whether adding up the values of a subset ranks all subsets as adapting to them does: if it is low, no sum of "
        "single contributions tells the whole story",
    )


def infidelity(predicted: np.ndarray, earned: np.ndarray, *, sampled: bool = False) -> Measure:
    """E[(what the values say is lost - F(all) + F(S))^2] / E[(F(all) - F(S))^2] over what S leaves out.

    Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", 2019, definition 2.1, with the perturbation that
    really takes players away, and scaled so that it is comparable between predictions.

    Args:
        predicted: the sum of the values in each S, `(M,)`; the last S is that of all players.
        earned: F of each, `(M,)`.
        sampled: the S are a sample; an interval comes with it.
    """
    said, lost = (all_of[-1] - all_of[:-1] for all_of in (predicted, earned))
    size = np.square(lost).mean() if len(lost) else 0.0
    meaning = (
        "mean squared error of what the values say is lost when players go together, as a share of the mean square of "
        "what is lost: 0 is exact, 1 no better than saying that nothing matters"
    )
    if size <= resolution(earned[-1]) ** 2:
        return Measure("infidelity", float("nan"), None, None, "not defined: F does not vary")
    wrong = np.square(said - lost)
    share = float(wrong.mean() / size)
    half = float(half_width(wrong - share * np.square(lost)) / size)  # of a ratio of means, to first order
    return Measure("infidelity", share, (max(0.0, share - half), share + half) if sampled else None, None, meaning)


def _predicted(values: np.ndarray) -> np.ndarray:
    """The sum of the values `(n,)`, or of pairs `(n, n)`, inside each of all subsets, `(2^n,)`."""
    inside, finite = game.coalitions(len(values)).astype(float), np.nan_to_num(values)
    return inside @ finite if values.ndim == 1 else np.einsum("mi,ij,mj->m", inside, finite, inside)


def closed_form(closed: np.ndarray, exact: np.ndarray) -> Measure:
    """Largest difference between the closed form of leave-one-out and adapting again."""
    both = np.isfinite(closed) & np.isfinite(exact)
    worst = float(np.abs(closed - exact)[both].max()) if both.any() else float("nan")
    scale = float(np.abs(exact[both]).max()) if both.any() else 1.0
    matches = worst <= 1e-4 * max(1.0, scale)
    return Measure(
        "closed-form leave-one-out against adapting again",
        worst,
        None,
        True if matches else None,
        "largest difference; the closed form holds where an example's embedding does not depend on the other examples"
        + ("" if matches or not both.any() else ", which it does here, so leave_one_out is the one to read"),
    )


MEASURES: dict[str, Callable[[Case, Explanation], tuple[Measure, ...]]] = {"support": of_support, "query": of_query}
"""By what the players are."""
