"""The one verb: what it makes by default, what it leaves out and why, and what it never changes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor

from fewsight import tree
from fewsight.errors import ExplanationError
from fewsight.explain import KINDS, explain, verify
from fewsight.learner import Learner
from fewsight.learners import MAML, create
from fewsight.networks import Conv4, TokenEncoder
from fewsight.task import Support

AMPLE = 1e5
"""Seconds: where a test is not about time, the load of the machine must not matter."""


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are not about how many draws a control takes."""
    monkeypatch.setattr(verify, "DRAWS", verify.FEWEST_DRAWS)


def inputs_of(learner: Learner, *trees: object) -> list[Tensor]:
    return [leaf.clone() for leaf in (*learner.state_dict().values(), *tree.leaves(trees))]


@pytest.mark.parametrize("name", ["maml", "protonet", "matching"])
def test_the_default_explains_everything_that_suits(name: str) -> None:
    found = explain(tiny.learner(name), tiny.support(), tiny.query()[0], checks=name != "maml", budget_seconds=AMPLE)
    expected = {
        "leave_one_out", "leave_one_out_drop", "shapley", "interactions", "influence", "path", "integrated_gradients",
        "occlusion", "change", "support_integrated_gradients", "removal", "relabelling", "query_counterfactual",
        "mislabels", "steps", "debt", "subset_surrogate",
    }  # fmt: skip
    expected |= {
        "protonet": {"prototypes", "prototype_channels"},
        "matching": {"attention"},
        "maml": {"layer_swap", "movement", "representation", "step_sizes"},
    }[name]
    assert set(found) == expected
    assert set(found) | set(found.left_out) == set(KINDS)
    assert all(found.left_out.values())
    for kind, explanation in found.items():
        assert explanation.complete, str(explanation)
        assert len(explanation.controls) == (0 if name == "maml" or KINDS[kind].of in ("model", "search") else 3)
    assert found.predicted == int(np.argmax(found.scores))
    assert sum(found.probabilities) == pytest.approx(1)
    assert found["shapley"].value == pytest.approx(
        np.log(found.probabilities[found.predicted] / (1 - found.probabilities[found.predicted])), abs=1e-6
    )
    assert found["integrated_gradients"].value == pytest.approx(
        found.scores[found.predicted] - found.scores[found.runner_up], abs=1e-6
    )


@pytest.mark.parametrize(("name", "training"), [("matching", True), ("matching", False), ("maml", True)])
def test_the_learner_stays_bit_identical(name: str, training: bool) -> None:
    learner, support, query = tiny.learner(name).train(training), tiny.support(), tiny.query()
    before, state = inputs_of(learner, support, query), torch.random.get_rng_state()
    kinds = ["shapley"] if name == "maml" else ["shapley", "path", "integrated_gradients"]
    explain(learner, support, query, kinds, budget_seconds=AMPLE)
    assert all(torch.equal(a, b) for a, b in zip(before, inputs_of(learner, support, query), strict=True))
    assert all(module.training is training for module in learner.modules())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in learner.parameters())
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_same_seed_gives_the_same_analysis() -> None:
    kinds = ["shapley", "influence", "occlusion"]
    first, second = (
        explain(tiny.learner("matching"), tiny.support(), tiny.query(), kinds, seed=3, budget_seconds=AMPLE)
        for _ in range(2)
    )
    for kind in first:
        np.testing.assert_allclose(first[kind].values, second[kind].values, rtol=0, atol=1e-12)
        pairs = zip(first[kind].controls, second[kind].controls, strict=True)
        assert all(a.value == pytest.approx(b.value, abs=1e-9, nan_ok=True) for a, b in pairs)


def test_provenance_tells_learners_and_data_apart() -> None:
    learner, support, query = tiny.learner(), tiny.support(), tiny.query()

    def hashes(*given: object) -> tuple[str, str, str]:
        record = explain(*given, "leave_one_out", checks=False, budget_seconds=AMPLE).provenance  # type: ignore[arg-type]
        return record["learner_sha256"], record["support_sha256"], record["query_sha256"]

    base = hashes(learner, support, query)
    assert base == hashes(tiny.learner(), tiny.support(), tiny.query())
    other = hashes(tiny.learner(seed=1), replace(support, x=support.x + 1e-9), query * 2)
    assert not set(base) & set(other)
    relabelled = replace(support, y=support.y.flip(0))
    assert hashes(learner, relabelled, query)[1] != base[1]


def test_one_shot_says_that_classes_disappear() -> None:
    found = explain(tiny.learner(), tiny.support(5, 1), tiny.query(), checks=False, budget_seconds=AMPLE)
    assert "class disappears" in found.left_out["leave_one_out"]
    assert "leave_one_out_drop" in found
    with pytest.raises(ExplanationError, match="leave_one_out: every example is the only one of its class"):
        explain(tiny.learner(), tiny.support(5, 1), tiny.query(), "leave_one_out")


def test_many_examples_are_explained_by_path_estimates_and_classes() -> None:
    found = explain(tiny.learner("matching"), tiny.support(3, 5), tiny.query(), checks=False, budget_seconds=AMPLE)
    assert "2^15 subsets" in found.left_out["interactions"]
    assert found["path"].complete
    assert found["shapley"].interval is not None
    assert found["shapley_classes"].values.shape == (3,)
    assert found["shapley_classes"].baseline == pytest.approx(found["path"].baseline)


def test_groups_of_the_user_play_and_add_up_as_examples_do() -> None:
    learner, support, groups = tiny.learner("protonet"), tiny.support(), ["clinic A", "clinic B", "clinic A"] * 2
    kinds = ["shapley", "shapley_groups"]
    found = explain(learner, support, tiny.query(), kinds, groups=groups, checks=False, budget_seconds=AMPLE)
    assert found["shapley_groups"].players == ("clinic A", "clinic B")
    assert found["shapley_groups"].values.sum() == pytest.approx(found["shapley"].values.sum())
    alone = explain(learner, support, tiny.query(), kinds, groups=range(6), checks=False, budget_seconds=AMPLE)
    np.testing.assert_allclose(alone["shapley_groups"].values, found["shapley"].values)
    with pytest.raises(ExplanationError, match="5 groups for 6 support examples"):
        explain(learner, support, tiny.query(), groups=groups[:5])


def test_regression() -> None:
    for name in ("maml", "matching"):
        found = explain(
            tiny.learner(name, outputs=1, rate=0.05),
            tiny.values_support(),
            tiny.query(),
            checks=False,
            budget_seconds=AMPLE,
        )
        assert found.task == "regression"
        assert found.probabilities == ()
        assert found.support_values[0] == pytest.approx((tiny.values_support().y[0, 0].item(),))
        assert {"shapley", "path", "influence", "leave_one_out", "integrated_gradients"} <= set(found)
        assert found["shapley"].value == pytest.approx(found.scores[0])
        assert found["shapley"].baseline == pytest.approx(found.unadapted_scores[0])
        assert "prediction: output 0" in str(found)
        json.dumps(found.to_json(), allow_nan=False)


def test_targets_of_the_user_are_explained() -> None:
    found = explain(
        tiny.learner("protonet"),
        tiny.support(),
        tiny.query(),
        target=("probability", "b"),
        checks=False,
        budget_seconds=AMPLE,
    )
    asked = {kind: explanation for kind, explanation in found.items() if KINDS[kind].of not in ("model", "search")}
    assert all(explanation.target.endswith("probability of 'b'") for explanation in asked.values())
    assert found["shapley"].value == pytest.approx(found.probabilities[1])
    assert "give target=" in found.left_out["prototypes"]


def test_transductive_and_ordered_learners_are_flagged() -> None:
    def caveats(learner: Learner, target: object = None) -> str:
        kinds = "leave_one_out_drop"
        return " ".join(
            explain(
                learner.double(), tiny.support(), tiny.query(), kinds, target, checks=False, budget_seconds=AMPLE
            ).caveats
        )

    network = tiny.Quadratic()
    assert "transductive" in caveats(MAML(network, transductive=True))
    assert "order in which the classes" in caveats(MAML(network, head=3))
    assert caveats(MAML(network, inner_lr=0.01)) == ""


def test_saturated_predictions_are_flagged() -> None:
    learner = tiny.learner("protonet")
    query = tiny.support().x[:1]
    with torch.no_grad():
        learner.embedding_model.layers[-1].weight.mul_(20)
    found = explain(learner, tiny.support(), query, "shapley", checks=False, budget_seconds=AMPLE)
    assert max(found.probabilities) > 0.99
    assert "saturated" in found.caveats[0]


def test_time_is_kept_and_what_it_cost_is_said() -> None:
    found = explain(tiny.learner("matching"), tiny.support(), tiny.query(), budget_seconds=0.0)
    assert len(found) == 0
    assert "of budget_seconds" in found.left_out["shapley"]
    assert sum(found.probabilities) == pytest.approx(1)
    with pytest.raises(ExplanationError, match="shapley: no time left"):
        explain(tiny.learner(), tiny.support(), tiny.query(), "shapley", budget_seconds=0.0)


def test_images_and_token_ids() -> None:
    torch.manual_seed(0)
    images = Support.of(torch.rand(4, 1, 8, 8), list("aabb"))
    found = explain(
        create("protonet", Conv4(hidden=4, size=(8, 8), blocks=2)), images, torch.rand(1, 8, 8), checks=False
    )
    assert found["integrated_gradients"].values.shape == (1, 8, 8)
    assert found["occlusion"].values.shape == (8, 8)
    ids = {"ids": torch.randint(0, 20, (6, 5)), "mask": torch.ones(6, 5, dtype=torch.bool)}
    query = tree.take(ids, 0)
    learner = create("matching", TokenEncoder(20, 6))
    found = explain(learner, Support.of(ids, list("aabbcc")), query, checks=False, budget_seconds=AMPLE)
    assert "no floating-point numbers" in found.left_out["integrated_gradients"]
    assert found["shapley"].complete


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"what": "shaply"}, "did you mean 'shapley'"),
        ({"what": ["shapley", "lime"]}, "unknown explanation 'lime'"),
        ({"query": torch.zeros(2, tiny.FEATURES, dtype=torch.float64)}, "one query"),
        ({"query": torch.tensor(1.0, dtype=torch.float64)}, "one query"),
        ({"query": {"ids": torch.zeros(1, 4)}}, "not of the support's kind"),
        ({"query": torch.full((tiny.FEATURES,), torch.nan, dtype=torch.float64)}, "not finite"),
        ({"names": ["one"]}, "1 names for 6"),
        ({"support": tiny.support().take([0, 1])}, "only one class has support examples"),
        ({"support": tiny.support().take([0, 1, 2, 3]), "target": "c"}, "class 'c' has no support example"),
        ({"target": "zebra"}, "unknown target"),
        ({"what": "attention"}, "attention: the learner does not answer by attention"),
    ],
)
def test_bad_input_is_explained(change: dict[str, object], says: str) -> None:
    given = {"support": tiny.support(), "query": tiny.query(), **change}
    with pytest.raises(ExplanationError, match=says):
        explain(tiny.learner(), **given)  # type: ignore[arg-type]


def test_a_class_without_examples_takes_no_part() -> None:
    found = explain(tiny.learner(), tiny.support().take([0, 1, 2, 3]), tiny.query(), checks=False, budget_seconds=AMPLE)
    assert found.probabilities[2] == 0
    assert {found.predicted, found.runner_up} == {0, 1}
    assert all(np.isfinite(explanation.values).all() and explanation.complete for explanation in found.values())


def test_a_blank_query_is_explained() -> None:
    """Nothing of it differs from the baseline: there is nothing to attribute, and no curve to draw."""
    blank = torch.zeros(tiny.FEATURES, dtype=torch.float64)
    found = explain(tiny.learner("protonet"), tiny.support(), blank, ["integrated_gradients", "occlusion"])
    for explanation in found.values():
        np.testing.assert_allclose(explanation.values, 0, atol=1e-14)  # a batch rounds each row in its own way
        assert all(measure.passed is None for measure in explanation.fidelity)


def test_it_reads_well_and_its_json_is_strict() -> None:
    names = [f"image {i}.png" for i in range(6)]
    found = explain(tiny.learner("protonet"), tiny.support(), tiny.query(), names=names)
    record = found.to_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["schema"] == "fewsight.analysis/1"
    assert "image 3.png" in str(found)
    assert found["shapley"].players == found.support_names
