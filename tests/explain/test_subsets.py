"""Exact values of support examples, by adapting again on subsets."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from fewsight.errors import ExplanationError
from fewsight.explain import game, subsets
from fewsight.explain.case import Case
from fewsight.explain.players import by_class
from fewsight.explain.subsets import banzhaf, interactions, leave_one_out, shapley
from fewsight.task import Support


def removed(case: Case, i: int) -> float:
    """F after adapting to the support without example i, which was never there."""
    keep = torch.tensor([j for j in range(case.support.size) if j != i])
    with torch.no_grad():
        return case.target(case.learner(case.support.take(keep), case.query)[0]).item()


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
def test_leave_one_out_is_adapting_without_it(name: str) -> None:
    case = tiny.case(tiny.learner(name), tiny.support())
    found = leave_one_out(case)
    expected = [found.value - removed(case, i) for i in range(6)]
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    assert found.semantics == "renormalise"


def test_the_two_ways_of_being_absent_differ_and_are_named() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    gone, silent = leave_one_out(case), leave_one_out(case, drop=True)
    assert (gone.semantics, silent.semantics) == ("renormalise", "drop")
    assert (gone.kind, silent.kind) == ("leave_one_out", "leave_one_out_drop")
    assert np.abs(gone.values - silent.values).max() > 0.01


def test_trap_8_a_class_that_disappears_is_said_and_has_no_number() -> None:
    support = tiny.support().take(torch.tensor([0, 1, 2, 3, 4]))  # class c has one example left
    found = leave_one_out(tiny.case(tiny.learner(), support))
    assert np.isnan(found.values).tolist() == [False] * 4 + [True]
    assert "support 4: class disappears" in found.notes[0]
    assert "not a number" in str(found)
    assert found.to_json()["values"][4] is None
    assert np.isfinite(leave_one_out(tiny.case(tiny.learner(), support), drop=True).values).all()
    with pytest.raises(ExplanationError, match="lost all its examples"):
        shapley(tiny.case(tiny.learner(), support), drop=False)


def test_trap_8_an_example_of_weight_0_keeps_no_class_alive() -> None:
    weight = torch.tensor([1.0, 1, 1, 1, 1, 0], dtype=torch.float64)
    found = leave_one_out(tiny.case(tiny.learner(), tiny.support().reweighted(weight)))
    assert np.isnan(found.values).tolist() == [False] * 4 + [True, False]
    assert found.values[5] == 0


def test_renormalised_shapley_values_of_a_probability() -> None:
    """Defined on every subset: a class without examples has probability 0, and no example at all leaves them equal."""
    case = tiny.case(tiny.learner(), tiny.support(), target="probability")
    found = shapley(case, drop=False)
    assert found.baseline == pytest.approx(1 / 3, abs=1e-12)
    assert found.residual is not None
    assert found.residual < 1e-12
    assert found.semantics == "renormalise"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
def test_shapley_values_add_up(name: str, dtype: torch.dtype) -> None:
    """Also in single precision, because both ends come from the same table."""
    learner, support = tiny.learner(name).to(dtype), tiny.support().to(dtype)
    case = tiny.case(learner, support, tiny.query().to(dtype))
    for found in (shapley(case), interactions(case)):
        assert found.residual is not None
        assert found.residual < 1e-12
        assert found.value == pytest.approx(case.value(support.weight, drop=True).item(), abs=1e-5)


def test_trap_3_exact_values_take_two_to_the_n_adaptations() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    shapley(case), banzhaf(case), interactions(case), leave_one_out(case, drop=True)
    assert len(case.known) == 2**6


def test_prototypes_embed_each_example_once_for_all_subsets() -> None:
    """Only means of subsets differ: 512 adaptations pass 9 examples through the network as often as they are timed."""
    case = tiny.case(tiny.learner("protonet"), tiny.support(3, 3))
    rows: list[int] = []
    case.learner.embedding_model.register_forward_hook(lambda module, given, made: rows.append(made.numel() // 5))
    shapley(case)
    assert len(case.known) == 2**9
    assert sum(rows) <= 12 * (9 + 1)


def test_values_agree_with_the_game_of_adaptations() -> None:
    case = tiny.case(tiny.learner(), tiny.support())
    v = subsets.table(case)
    assert v[0b000101] == pytest.approx(
        case.value(torch.tensor([1.0, 0, 1, 0, 0, 0], dtype=torch.float64), drop=True).item(), abs=1e-12
    )
    np.testing.assert_array_equal(shapley(case).values, game.shapley(v))
    np.testing.assert_array_equal(banzhaf(case).values, game.banzhaf(v))
    np.testing.assert_allclose(leave_one_out(case, drop=True).values, game.leave_one_out(v), atol=1e-14)


def test_distances_to_prototypes_have_no_origin() -> None:
    """Shifting all embeddings by a constant changes no distance, hence no explanation."""
    learner = tiny.learner("protonet")
    before = shapley(tiny.case(learner, tiny.support())).values
    with torch.no_grad():
        learner.embedding_model.layers[-1].bias.add_(3.0)
    np.testing.assert_allclose(shapley(tiny.case(learner, tiny.support())).values, before, atol=1e-11)


def test_duplicates_are_worth_the_same() -> None:
    twice = tiny.support(3, 1).take(torch.tensor([0, 1, 2, 0]))
    for name in ("maml", "protonet", "matching"):
        values = shapley(tiny.case(tiny.learner(name), twice)).values
        assert values[0] == pytest.approx(values[3], abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["protonet", "matching"])
def test_a_copy_of_the_query_decides_and_a_mislabelled_copy_speaks_against(name: str, seed: int) -> None:
    """Planted truth: the query itself in the support is the strongest evidence for its label, whichever that is."""
    query = tiny.query(seed)
    x = tiny.support(3, 2, seed=seed).x.clone()
    x[1] = query[0]

    def worth(labels: str) -> np.ndarray:
        given = Support.of(x, list(labels), classes=["a", "b", "c"])
        case = tiny.case(tiny.learner(name, seed=seed), given, query, target=("probability", "a"))
        return shapley(case, drop=False).values

    assert worth("aabbcc").argmax() == 1
    mislabelled = worth("abbbca")
    assert mislabelled.argmin() == 1
    assert mislabelled[1] < 0


def test_many_examples_are_estimated_with_intervals() -> None:
    case = tiny.case(tiny.learner("matching"), tiny.support(7, 2), target="probability")
    found = shapley(case)
    assert found.interval is not None
    assert found.residual is not None
    assert found.residual < 1e-12
    # This F is additive, so every order says the same and the estimate is exact.
    weights = torch.eye(14, dtype=torch.float64)
    alone = np.array([case.value(row, drop=True).item() for row in weights])
    np.testing.assert_allclose(found.values, alone - (found.baseline or 0), atol=1e-12)
    with pytest.raises(ExplanationError, match="more than"):
        interactions(case)


def test_estimates_cover_the_exact_values(monkeypatch: pytest.MonkeyPatch) -> None:
    case = tiny.case(tiny.learner("protonet"), tiny.support(4, 2))
    exact = shapley(case).values
    monkeypatch.setattr(game, "EXACT", 4)
    found = shapley(case)
    assert found.interval is not None
    inside = (found.interval[:, 0] <= exact) & (exact <= found.interval[:, 1])
    assert inside.mean() >= 0.75
    assert "Estimated from" in found.notes[0]


def test_classes_as_players() -> None:
    case = tiny.case(tiny.learner(), tiny.support(3, 5))
    found = shapley(case, players=by_class(case))
    assert found.players == ("class 'a'", "class 'b'", "class 'c'")
    assert found.residual is not None
    assert found.residual < 1e-12
    assert len(case.known) == 8
    only_b = case.value(torch.tensor([0.0] * 5 + [1.0] * 5 + [0.0] * 5, dtype=torch.float64), drop=True).item()
    assert subsets.table(case, players=by_class(case))[0b010] == pytest.approx(only_b, abs=1e-12)


def test_regression_has_values_but_no_classes() -> None:
    for name in ("maml", "matching"):
        case = tiny.case(tiny.learner(name, outputs=1, rate=0.05), tiny.values_support())
        assert shapley(case).complete
        assert shapley(case, drop=False).complete
        expected = [leave_one_out(case).value - removed(case, i) for i in range(6)]
        np.testing.assert_allclose(leave_one_out(case).values, expected, atol=1e-12)
    with pytest.raises(ExplanationError, match="regression"):
        by_class(case)
