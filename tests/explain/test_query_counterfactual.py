"""The smallest change of the query: verified by the model, minimal in itself, and known by hand."""

from __future__ import annotations

import numpy as np
import planted
import pytest
import tiny
import torch

import cases
from fewsight import tree
from fewsight.errors import ExplanationError
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.query_counterfactual import edited, query_counterfactual
from fewsight.learners import create
from fewsight.task import Support


def answer(case: Case, query: tree.Tree) -> int:
    with torch.no_grad():
        return int(case.learner.adapt(case.support)(query)[0].argmax())


def swaps_of(found: Explanation) -> np.ndarray:
    swaps = np.full(len(found.players), -1)
    for part, source in found.provenance["swaps"]:
        swaps[part] = source
    return swaps


@pytest.mark.parametrize("kind", ["vectors", "images", "rows", "tokens", "sequences"])
@pytest.mark.parametrize("name", ["protonet", "ridge", "maml"])
def test_the_changed_query_changes_the_answer_and_needs_every_change(kind: str, name: str) -> None:
    made = cases.Case(name, kind, "classification")
    task = made.task(shots=(2, 2))
    patch = 4 if kind == "images" else None
    flipped = 0
    for q in range(3):
        case = tiny.case(made.learner(), task.support, tree.take(task.query, slice(q, q + 1)))
        found = query_counterfactual(case, patch=patch)
        validity, proximity, sparsity = found.fidelity
        swaps, donor = swaps_of(found), found.provenance["donor"]
        changed = edited(case, donor, swaps, patch=patch)
        assert ((swaps >= 0) == (found.values.reshape(-1) == 1)).all()
        assert 0 <= proximity.value <= 1
        assert 0 <= sparsity.value <= 1
        if not validity.value:
            assert found.value == np.inf
            continue
        flipped += 1
        assert found.value == found.values.sum() == len(found.provenance["swaps"])
        assert answer(case, changed) == found.provenance["answer"] != answer(case, case.query)
        assert task.support.y[donor] != answer(case, case.query)
        if found.value > 1:
            for part in np.flatnonzero(swaps >= 0):
                fewer = swaps.copy()
                fewer[part] = -1
                assert answer(case, edited(case, donor, fewer, patch=patch)) == answer(case, case.query)
    assert flipped


def test_features_known_by_hand() -> None:
    """Only the second number tells the classes apart; it alone is exchanged."""
    x = torch.tensor([[5.0, 1.0, 0.0], [5.0, -1.0, 0.0]], dtype=torch.float64)
    case = tiny.case(create("protonet", torch.nn.Identity()).double(), Support.of(x, ["up", "down"]), x[:1] * 0.9)
    found = query_counterfactual(case)
    assert found.values.tolist() == [0, 1, 0]
    assert edited(case, 1, swaps_of(found)).tolist() == [[4.5, -1.0, 0.0]]
    validity, proximity, sparsity = found.fidelity
    assert (validity.value, sparsity.value) == (1.0, pytest.approx(2 / 3))
    assert proximity.value == pytest.approx(1 - 1.9 / (9.0 + 1.9))


def test_a_planted_patch_is_what_is_put_in() -> None:
    """The answer turns when the rival's pattern comes in, or with it and without one's own: two patches at most."""
    learner = create("protonet", planted.MatchedFilters()).double()
    for seed in range(5):
        support, cells, query, cell, truth = planted.task(seed, distract=False)
        case = tiny.case(learner, support, query)
        found = query_counterfactual(case, patch=4)
        donor = found.provenance["donor"]
        assert found.fidelity[0].value == 1
        assert found.provenance["answer"] == support.y[donor] != truth
        exchanged = set(np.flatnonzero(found.values.reshape(-1)).tolist())
        assert exchanged
        assert exchanged <= {cells[donor], cell}


def test_tokens_may_come_from_anywhere() -> None:
    """A bag of words: one telling word of the rival, wherever it stands there."""

    class Words(torch.nn.Module):
        def forward(self, x: tree.Tree) -> torch.Tensor:
            counts = torch.nn.functional.one_hot(x["ids"], 10).double() * x["mask"][..., None]
            return counts.sum(1)

    ids = torch.tensor([[1, 1, 7, 0], [1, 1, 2, 2]])
    mask = torch.tensor([[True, True, True, False], [True, True, True, True]])
    support = Support.of({"ids": ids, "mask": mask}, ["seven", "two"])
    query = {"ids": torch.tensor([[7, 1, 1, 0]]), "mask": mask[:1]}
    case = tiny.case(create("protonet", Words()), support.to(torch.float64), query)
    found = query_counterfactual(case)
    changed = edited(case, 1, swaps_of(found))
    assert (changed["ids"] == 2).any()
    assert found.provenance["answer"] == 1
    assert answer(case, changed) == 1
    assert not changed["mask"][0, 3]


def test_what_has_no_such_change_is_refused() -> None:
    with pytest.raises(ExplanationError, match="regression"):
        query_counterfactual(tiny.case(tiny.learner("ridge", outputs=1), tiny.values_support()))
    made = cases.Case("protonet", "graphs", "classification")
    task = made.task(shots=(2, 2))
    case = tiny.case(made.learner(), task.support, tree.take(task.query, slice(0, 1)))
    with pytest.raises(ExplanationError, match="edges would not fit"):
        query_counterfactual(case)
