"""Which explanations are there, and what does each need? The table that `explain` goes through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from fewsight.experience import Experience
from fewsight.explain import game
from fewsight.explain.adaptation import without_parameters
from fewsight.explain.case import Case
from fewsight.explain.change import as_change, change
from fewsight.explain.codes import latent_codes, prototype_map
from fewsight.explain.correspondence import correspondence, correspondence_occlusion
from fewsight.explain.counterfactual import relabelling, removal
from fewsight.explain.debt import debt, recorded_when
from fewsight.explain.explanation import Explanation
from fewsight.explain.film import film
from fewsight.explain.influence import influence
from fewsight.explain.inputs import positional
from fewsight.explain.kernel import kernel, kernel_votes, without_kernel, without_votes
from fewsight.explain.layer_swap import layer_swap
from fewsight.explain.matched_pairs import NONE, matched_pairs
from fewsight.explain.meta_parameters import gates, step_sizes
from fewsight.explain.mislabels import mislabels
from fewsight.explain.movement import movement, representation
from fewsight.explain.path import path
from fewsight.explain.path_tensor import path_tensor
from fewsight.explain.players import by_class, by_group, sole_examples
from fewsight.explain.prototypes import HasPrototypes, prototype_channels, prototypes
from fewsight.explain.quadrature import NODES
from fewsight.explain.query import integrated_gradients, occlusion, saliency
from fewsight.explain.query_counterfactual import query_counterfactual
from fewsight.explain.query_shapley import query_shapley
from fewsight.explain.readout import Attends, as_votes, attention
from fewsight.explain.rule_list import rule_list
from fewsight.explain.shallow_tree import tree
from fewsight.explain.sparse_linear import sparse_linear
from fewsight.explain.subset_surrogate import SAMPLES, subset_surrogate
from fewsight.explain.subsets import PAIRS, banzhaf, interactions, leave_one_out, shapley
from fewsight.explain.support_inputs import support_gradients, support_integrated_gradients, support_occlusion
from fewsight.explain.target import Target
from fewsight.explain.task_influence import adaptations, leave_one_task_out, task_influence, task_newton
from fewsight.explain.task_map import task_similarity
from fewsight.explain.trajectory import steps, trajectory


@dataclass(frozen=True)
class Kind:
    """One kind of explanation.

    Attributes:
        explain: makes it.
        of: "support" (players are the examples), "query", "groups", "layers"...: which checks apply. "model" (what was
            meta-learned, moved or imitated) and "search" (counterfactuals) have measures of their own and no controls.
        exact: whether it is exact to rounding where it says nothing else, or a derivative at one point or an estimate.
        rows: how many adaptations it takes at least (a derivative through one counts for three), apart from those
            that are known; 0 where nobody can tell before, or where time does not matter.
        why_not: why it cannot be made for a case, or "".
        unasked: why it is left out of a case unless asked for by name, or "".
        aim: the case it explains, given the contrast with the runner-up where no target was asked for.
    """

    explain: Callable[[Case], Explanation]
    of: str
    exact: bool = True
    rows: Callable[[Case], int] = lambda case: 0
    why_not: Callable[[Case], str] = lambda case: ""
    unasked: Callable[[Case], str] = lambda case: ""
    aim: Callable[[Case, Target | None], Case] = lambda case, rival: case


def _by_name(why: str) -> Callable[[Case], str]:
    return lambda case: why


def _against_rival(case: Case, rival: Target | None) -> Case:
    return case if rival is None else case.toward(rival)


def _without_attention(case: Case) -> str:
    return "" if isinstance(case.learner, Attends) else "the learner does not answer by attention"


def _without_prototypes(case: Case) -> str:
    return "" if isinstance(case.learner, HasPrototypes) else "the learner has no prototypes"


def _too_many(case: Case) -> str:
    size = case.support.size
    return f"{size} examples have 2^{size} subsets, more than 2^{game.EXACT}" if size > game.EXACT else ""


def _all_sole(case: Case) -> str:
    return (
        "every example is the only one of its class, and the class disappears with it"
        if sole_examples(case).all()
        else ""
    )


def _no_answer(case: Case) -> str:
    return "" if case.support.ways else "a regression task has no answer that flips"


def _experienced(explain: Callable[[Case, Experience], Explanation]) -> Callable[[Case], Explanation]:
    def of_case(case: Case) -> Explanation:
        assert case.experience is not None  # `why_not` says so before
        return explain(case, case.experience)

    return of_case


def _no_record(case: Case) -> str:
    return "" if case.experience else "the learner's meta-training was not recorded (train with record=8)"


def _no_tasks(case: Case) -> str:
    if case.experience and case.experience.tasks is None:
        return "the meta-training tasks are not at hand"
    return _no_record(case)


def _no_way(case: Case) -> str:
    if case.experience and len(case.experience.snapshots) < 2:
        return "the record of meta-training holds one moment only, and no way leads to it"
    return _no_record(case)


def _no_classes(case: Case) -> str:
    ways = case.support.ways
    if ways is None:
        return "a regression task has no classes"
    if case.support.size <= game.EXACT or ways > game.EXACT:
        return f"made for more than {game.EXACT} examples in at most {game.EXACT} classes"
    return ""


def _finer(case: Case) -> str:
    return "" if positional(case.query) else "integrated_gradients adds up too, and is finer"


def _each(case: Case) -> int:
    return case.support.size


def _silenced(case: Case) -> int:
    return _unknown(case, case.support.size)


def _subsets(case: Case) -> int:
    """All subsets, or those that grow in the fewest random orders."""
    size = case.support.size
    return _unknown(case, 2**size if size <= game.EXACT else 2 * PAIRS[0] * size)


def _unknown(case: Case, coalitions: int) -> int:
    """Those of so many coalitions (with "drop") that are not known yet."""
    return max(0, coalitions - sum(drop for drop, _ in case.known))


def _many_subsets(case: Case) -> int:
    return _subsets(case) if case.support.size <= game.EXACT else SAMPLES


def _traced(case: Case) -> int:
    return adaptations(case.experience) if case.experience else 0


PICTURE = "a picture of the task, not of this prediction: ask for it by name"

NEEDS_WORDS = "says most in features that people read: ask for it by name"
PATCHES = 49
"""Parts of an image of the usual size: a grid of 7 by 7."""

KINDS: dict[str, Kind] = {
    "attention": Kind(attention, "support", why_not=_without_attention, aim=lambda case, rival: as_votes(case)),
    "prototypes": Kind(prototypes, "support", why_not=_without_prototypes, aim=_against_rival),
    "prototype_channels": Kind(prototype_channels, "channels", why_not=_without_prototypes, aim=_against_rival),
    "kernel_votes": Kind(kernel_votes, "support", why_not=without_votes, aim=_against_rival),
    "kernel": Kind(kernel, "support", why_not=without_kernel, aim=_against_rival),
    "shapley": Kind(shapley, "support", rows=_subsets),
    "leave_one_out": Kind(leave_one_out, "support", rows=_each, why_not=_all_sole),
    "leave_one_out_drop": Kind(lambda case: leave_one_out(case, drop=True), "support", rows=_silenced),
    "shapley_classes": Kind(
        lambda case: replace(shapley(case, players=by_class(case)), kind="shapley_classes"),
        "groups",
        rows=lambda case: 2 ** (case.support.ways or 0),
        why_not=_no_classes,
    ),
    "shapley_groups": Kind(
        lambda case: shapley(case, players=by_group(case)),
        "groups",
        rows=lambda case: 2 ** min(len(set(case.groups or ())), game.EXACT),
        why_not=lambda case: "" if case.groups else "no groups of support examples were given (groups=)",
    ),
    "banzhaf": Kind(
        banzhaf,
        "support",
        rows=_subsets,
        why_not=_too_many,
        unasked=_by_name("close to shapley, and does not add up"),
    ),
    "interactions": Kind(interactions, "support", rows=_subsets, why_not=_too_many),
    "influence": Kind(influence, "support", exact=False, rows=lambda case: 4),
    "path": Kind(path, "support", rows=lambda case: 3 * NODES),
    "integrated_gradients": Kind(integrated_gradients, "query", aim=_against_rival),
    "occlusion": Kind(occlusion, "query", aim=_against_rival),
    "query_shapley": Kind(query_shapley, "query", unasked=_finer, aim=_against_rival),
    "saliency": Kind(
        saliency,
        "query",
        exact=False,
        unasked=_by_name("a derivative at one point; integrated_gradients adds up"),
        aim=_against_rival,
    ),
    "change": Kind(change, "query", aim=lambda case, rival: as_change(_against_rival(case, rival))),
    "support_integrated_gradients": Kind(
        support_integrated_gradients, "support_inputs", rows=lambda case: 3 * NODES, aim=_against_rival
    ),
    "support_gradients": Kind(
        support_gradients,
        "support_inputs",
        exact=False,
        rows=lambda case: 4,
        unasked=_by_name("a slope at one point; support_integrated_gradients adds up"),
        aim=_against_rival,
    ),
    "support_occlusion": Kind(
        support_occlusion,
        "support_inputs",
        rows=lambda case: PATCHES * case.support.size,
        unasked=_by_name("adapts again for every part of every example"),
        aim=_against_rival,
    ),
    # A likeness of features where they do not sum up exactly: whether the learner adapted has no part in it.
    "correspondence": Kind(correspondence, "model", exact=False, aim=_against_rival),
    "correspondence_occlusion": Kind(
        correspondence_occlusion,
        "places",
        rows=lambda case: 2 * PATCHES * case.support.size,
        unasked=_by_name("adapts again for every part of every example"),
        aim=_against_rival,
    ),
    "removal": Kind(removal, "search", rows=_each, why_not=_no_answer),
    "relabelling": Kind(
        relabelling, "search", rows=lambda case: case.support.size * (case.support.ways or 0), why_not=_no_answer
    ),
    "query_counterfactual": Kind(query_counterfactual, "search", why_not=_no_answer, aim=_against_rival),
    "matched_pairs": Kind(
        matched_pairs,
        "search",
        why_not=lambda case: _no_answer(case) or ("" if case.offers else NONE),
        aim=_against_rival,
    ),
    "mislabels": Kind(mislabels, "model", rows=_each, why_not=_all_sole),
    "steps": Kind(steps, "steps"),
    "layer_swap": Kind(layer_swap, "layers", rows=lambda case: 40, why_not=without_parameters),
    "path_tensor": Kind(
        path_tensor,
        "layers",
        rows=lambda case: 100,
        why_not=without_parameters,
        unasked=_by_name("the finest split there is, and the slowest: ask for it by name"),
    ),
    "debt": Kind(debt, "layers", exact=False, rows=lambda case: 4),
    "learned_when": Kind(
        _experienced(recorded_when),
        "model",
        why_not=_no_way,
        unasked=_by_name("goes back through meta-training: ask for it by name"),
    ),
    "movement": Kind(movement, "model", why_not=without_parameters),
    "representation": Kind(representation, "model", why_not=without_parameters),
    "trajectory": Kind(
        trajectory, "model", rows=lambda case: 20, why_not=without_parameters, unasked=_by_name(PICTURE)
    ),
    "step_sizes": Kind(step_sizes, "model", why_not=without_parameters),
    "gates": Kind(gates, "model", why_not=without_parameters),
    "film": Kind(film, "model"),
    "prototype_map": Kind(prototype_map, "model", why_not=_without_prototypes, unasked=_by_name(PICTURE)),
    "latent_codes": Kind(latent_codes, "model"),
    "task_influence": Kind(_experienced(task_influence), "model", exact=False, rows=_traced, why_not=_no_record),
    "task_similarity": Kind(
        _experienced(task_similarity),
        "model",
        exact=False,
        why_not=_no_record,
        unasked=_by_name("likeness, not effect"),
    ),
    "task_newton": Kind(
        _experienced(task_newton), "model", exact=False, why_not=_no_tasks, unasked=_by_name("slow: ask for it by name")
    ),
    "leave_one_task_out": Kind(
        _experienced(leave_one_task_out),
        "model",
        exact=False,
        why_not=_no_tasks,
        unasked=_by_name("exact for quadratic meta-losses only"),
    ),
    "subset_surrogate": Kind(subset_surrogate, "model", exact=False, rows=_many_subsets),
    "sparse_linear": Kind(sparse_linear, "model", exact=False, unasked=_by_name(NEEDS_WORDS), aim=_against_rival),
    "tree": Kind(tree, "model", exact=False, unasked=_by_name(NEEDS_WORDS), aim=_against_rival),
    "rule_list": Kind(rule_list, "model", exact=False, unasked=_by_name(NEEDS_WORDS), aim=_against_rival),
}
"""Every kind by name, in the order in which they are made and shown."""
