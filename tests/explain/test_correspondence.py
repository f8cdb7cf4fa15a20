"""Which place matched which: splits that add up, pairs hidden and adapted again, and patches planted where we know."""

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
from fewsight.explain.correspondence import correspondence, correspondence_occlusion, matches
from fewsight.explain.influence import influence
from fewsight.explain.kernel import kernel
from fewsight.explain.path import path
from fewsight.explain.readout import attention
from fewsight.explain.subsets import leave_one_out, shapley
from fewsight.explain.support_inputs import support_gradients, support_integrated_gradients, support_occlusion
from fewsight.learner import Learner
from fewsight.learners import create
from fewsight.task import Support

TASKS = 100


def learner(name: str, *, pooled: bool = True) -> Learner:
    settings = {"inner_steps": 3, "inner_lr": 0.1} if name == "anil" else {}
    return create(name, planted.MatchedFilters(pooled), **settings).double()


def planted_case(made: Learner, seed: int, *, distract: bool = True) -> tuple[Case, list[int], int, list[int]]:
    """The case, the cell of each example's pattern, that of the query, and the examples of the query's class."""
    support, cells, query, cell, truth = planted.task(seed, distract=distract)
    case = tiny.case(made, support, query, "contrast")
    assert case.target.index == truth
    return case, cells, cell, torch.nonzero(support.y == truth).flatten().tolist()


def cell_of(place: tuple[int, ...]) -> int:
    return place[0] * planted.CELLS + place[1]


@pytest.mark.parametrize("name", ["protonet", "ridge", "anil"])
@pytest.mark.parametrize("pooled", [True, False])
def test_pairs_of_places_add_up_to_the_contrast(name: str, pooled: bool) -> None:
    for seed in range(3):
        support, _, query, _, _ = planted.task(seed)
        case = tiny.case(learner(name, pooled=pooled), support, query, ("contrast", "c0", "c2"))
        found = correspondence(case)
        with torch.no_grad():
            scores = case.learner(support, query)[0]
        assert found.baseline is not None
        assert found.values.sum() + found.baseline == pytest.approx((scores[0] - scores[2]).item(), abs=1e-10)
        assert found.values.shape == (6, 16, 16)
        if not pooled:  # flattened features compare each place with itself alone
            apart = ~np.eye(16, dtype=bool)
            assert (found.values[:, apart] == 0).all()


@pytest.mark.parametrize("name", ["protonet", "ridge", "anil"])
def test_pointing_game_of_the_exact_split(name: str) -> None:
    """The strongest pair is the planted patch of the query with that of an example of its class, in every task."""
    hits, made = 0, learner(name)
    for seed in range(TASKS):
        case, cells, cell, own = planted_case(made, seed)
        i, here, there = matches(correspondence(case), 1)[0]
        hits += i in own and cell_of(here) == cell and cell_of(there) == cells[i]
    assert hits / TASKS >= 0.99


@pytest.mark.parametrize("name", ["protonet", "matching"])
def test_pointing_game_of_hidden_pairs(name: str) -> None:
    hits, made, tasks = 0, learner(name), 20
    for seed in range(tasks):
        case, cells, cell, own = planted_case(made, seed)
        i, here, there = matches(correspondence_occlusion(case, patch=4), 1)[0]
        hits += i in own and cell_of(here) == cell and cell_of(there) == cells[i]
    assert hits / tasks >= 0.99


def test_pointing_game_of_the_cosine() -> None:
    """Without anything that is alike and does not matter."""
    hits, made = 0, learner("matching")
    for seed in range(TASKS):
        case, cells, cell, own = planted_case(made, seed, distract=False)
        found = correspondence(case)
        assert "not effect" in found.notes[0]
        i, here, there = matches(found, 1)[0]
        hits += i in own and cell_of(here) == cell and cell_of(there) == cells[i]
    assert hits / TASKS >= 0.99


@pytest.mark.parametrize(
    ("kind", "name"),
    [(support_occlusion, name) for name in ("protonet", "ridge", "anil", "matching")]
    + [(support_integrated_gradients, name) for name in ("protonet", "ridge", "anil")]
    + [(support_gradients, name) for name in ("ridge", "anil")],
)
def test_pointing_game_in_the_support(name: str, kind: object) -> None:
    """In each example of the query's class the cell that matters most is that of the planted patch.

    Slopes are not asked where likeness is at its peak, nor paths where only angles count.
    """
    hits, total, made = 0, 0, learner(name)
    for seed in range(TASKS // 10):
        case, cells, _, own = planted_case(made, seed)
        more = {"patch": 4} if kind is support_occlusion else {}
        values = kind(case, own, **more).values  # type: ignore[operator]
        if kind is not support_occlusion:
            values = values.reshape(len(own), 4, 4, 4, 4).sum((2, 4))
        hits += (values.reshape(len(own), -1).argmax(1) == np.array(cells)[own]).sum()
        total += len(own)
    assert hits / total >= 0.99


@pytest.mark.parametrize("name", ["protonet", "ridge", "matching", "anil"])
def test_a_planted_copy_of_the_query_ranks_first(name: str) -> None:
    """Every example has a pattern of its own; the query is one of the examples, which is worth most for it."""
    for seed in range(3):
        support, _, _, _, _ = planted.task(seed, ways=6, shots=1)
        given = Support.of(support.x, list("aabbcc"))
        copied = seed + 1
        case = tiny.case(learner(name), given, support.x[copied : copied + 1], "contrast")
        assert case.target.index == copied // 2
        # To prototypes a rival's example matters as much, on the other side: there it is first within its class.
        among = given.y if name == "protonet" else torch.zeros(6)
        others = ((among == among[copied]) & (torch.arange(6) != copied)).numpy()
        for kind in (influence, path, shapley, leave_one_out):
            values = kind(case).values  # type: ignore[operator]
            assert values[copied] > values[others].max(), kind
        if name == "matching":
            assert attention(case).values.argmax() == copied
        if name in ("ridge", "anil"):
            assert kernel(case).values.argmax() == copied


def test_hidden_pairs_are_the_second_difference() -> None:
    made = cases.Case("maml", "rows", "classification")
    task = made.task(shots=(2, 2))
    query = tree.take(task.query, slice(0, 1)).nan_to_num(0.5)
    case = tiny.case(made.learner(), task.support, query)

    def value(x: torch.Tensor, q: torch.Tensor) -> float:
        given = type(task.support)(
            x, *(getattr(task.support, n) for n in ("y", "weight", "reference", "ways", "labels"))
        )
        with torch.no_grad():
            return case.target(case.learner(given, q)[0]).item()

    found = correspondence_occlusion(case)
    assert found.values.shape == (4, 5, 5)
    i = 1
    s = int((~task.support.x[i].isnan()).nonzero()[0])
    x, q = task.support.x.clone(), query.clone()
    x[i, s], q[0, 3] = 0.0, 0.0
    expected = value(task.support.x, query) - value(x, query) - value(task.support.x, q) + value(x, q)
    assert found.values[i, 3, s] == pytest.approx(expected, abs=1e-10)


def test_pairs_of_tokens() -> None:
    made = cases.Case("ridge", "tokens", "classification")
    task = made.task(shots=(2, 2))
    case = tiny.case(made.learner(), task.support, tree.take(task.query, slice(0, 1)))
    found = correspondence_occlusion(case, [3, 0])
    assert found.values.shape == (2, 6, 6)
    assert np.abs(found.values).max() > 0
    hidden = ~task.support.x["mask"][3].numpy()
    assert (found.values[0][:, hidden] == 0).all()
    assert matches(found, 1)[0][0] in (0, 3)
    with pytest.raises(ExplanationError, match="no feature map"):
        correspondence(case)
