"""The JSON that the docs promise, kept by every kind of explanation and by populations; what taking away means."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache

import crowds
import numpy as np
import planted
import pytest
import tiny
import torch

import json_schema
from fewsight.audit import Audit, Example
from fewsight.errors import ExplanationError
from fewsight.experience import Experience, Snapshot
from fewsight.explain import KINDS, explain
from fewsight.explain.analysis import Analysis
from fewsight.explain.confusion import Confusion, Pair
from fewsight.explain.crowd import Crowd, crowd
from fewsight.explain.effects import Effects
from fewsight.explain.explanation import SEMANTICS, Explanation, Measure
from fewsight.explain.fairness import Fairness, Gap, Performance
from fewsight.explain.flips import Flip, Flips
from fewsight.explain.population import Population, of_crowd
from fewsight.explain.suspects import Suspects
from fewsight.learners import create
from fewsight.report.words import CATALOGUES
from fewsight.task import Task
from fewsight.variants import Variant, Variants

LEARNERS = ("protonet", "matching", "ridge", "maml", "meta-lstm", "leo", "film")
"""Together they have every kind."""
EXPLANATION, ANALYSIS, POPULATION, AUDIT = (
    json_schema.load(f"{name}.schema.json") for name in ("explanation", "analysis", "population", "audit")
)
VERDICT = {"schema", "complete", "trusted", "failures"}


def offers(donors: object) -> Variants:
    """Three points posing as small real changes of the query."""
    known = tuple(Variant(f"point {i}", f"exchange {i}", (i,), (i,), 0, 0.5) for i in range(3))
    return Variants(torch.randn(3, tiny.FEATURES, dtype=torch.float64), known, len(known), 0)


@cache
def made() -> dict[str, Explanation]:
    """Every kind by name, by the first of the learners for which it is defined."""
    found: dict[str, Explanation] = {}
    for name in LEARNERS:
        learner, snapshots = tiny.learner(name), [Snapshot.of(tiny.learner(name, seed=s), step=10 * s) for s in (1, 2)]
        tasks = [Task(support, support.x, support.y) for support in map(tiny.support, (3, 3))]
        experience = Experience.of(learner, tasks, snapshots=snapshots)
        for shots in (2, 5):  # classes play where examples are many
            case = replace(
                tiny.case(learner, tiny.support(3, shots), target="contrast"),
                groups=("x", "y", "y") * shots,
                experience=experience,
                offers=offers,
            )
            for kind in [kind for kind in KINDS if kind not in found and not KINDS[kind].why_not(case)]:
                with suppress(ExplanationError):
                    found[kind] = KINDS[kind].explain(KINDS[kind].aim(case, None))
    support, _, query, _, _ = planted.task(0)  # images have places
    case = tiny.case(create("protonet", planted.MatchedFilters()).double(), support, query, "contrast")
    return found | {"correspondence": KINDS["correspondence"].explain(case)}


def test_every_kind_keeps_the_schema_and_names_its_removal() -> None:
    assert set(made()) == set(KINDS)
    for kind, explanation in made().items():
        record = json.loads(json.dumps(explanation.to_json(), allow_nan=False))
        assert json_schema.errors(record, EXPLANATION, EXPLANATION) == [], kind
        assert explanation.kind == kind
        assert explanation.semantics in SEMANTICS
        assert f"[{explanation.semantics}]" in str(explanation)
        assert explanation.baseline is None or explanation.baseline_name, kind


def test_the_schemas_have_the_fields_of_the_classes() -> None:
    """A field that comes or goes must be written down, and the number of the schema counted up."""
    said, known = {"schema"}, POPULATION["$defs"]
    for schema, kind, more in (
        (EXPLANATION, Explanation, VERDICT),
        (EXPLANATION["$defs"]["measure"], Measure, set()),
        (ANALYSIS, Analysis, said),
        (POPULATION, Population, said),
        (known["effects"], Effects, said | {"complete"}),
        (known["suspects"], Suspects, said),
        (known["flips"], Flips, said),
        (known["flip"], Flip, set()),
        (known["performance"], Performance, set()),
        (known["confusion"], Confusion, said),
        (known["pair"], Pair, set()),
        (known["fairness"], Fairness, said),
        (known["gap"], Gap, set()),
        (AUDIT, Audit, said | {"fingerprint"}),
        (AUDIT["$defs"]["example"], Example, set()),
    ):
        names = {field.name for field in fields(kind)} | more
        assert set(schema["properties"]) == set(schema["required"]) == names, kind
    assert EXPLANATION["properties"]["semantics"]["enum"] == list(SEMANTICS)


def test_an_analysis_keeps_its_schema() -> None:
    for learner, support in (
        (tiny.learner("protonet"), tiny.support(3, 1)),
        (tiny.learner("ridge", outputs=1), tiny.values_support()),
    ):
        found = explain(learner, support, tiny.query(), "shapley", budget_seconds=1e5)
        assert json_schema.errors(json.loads(json.dumps(found.to_json())), ANALYSIS, ANALYSIS) == []


@pytest.mark.parametrize(
    ("case", "groups"),
    [
        (lambda: crowds.classes(size=20), ["old", "young"] * 10),
        (lambda: crowds.classes(size=1), None),
        (lambda: crowds.classes("maml", shots=5), None),
        (lambda: crowd(tiny.learner("protonet"), tiny.support(3, 1), crowds.queries()), None),
        (crowds.values, ["old"] * 3 + ["young"] * 4),
    ],
    ids=["with groups", "one query", "random orders", "classes that disappear, no labels", "values"],
)
def test_a_population_keeps_its_schema(case: Callable[[], Crowd], groups: list[str] | None) -> None:
    record = json.loads(json.dumps(of_crowd(case(), groups).to_json(), allow_nan=False))
    assert json_schema.errors(record, POPULATION, POPULATION) == []
    for part in record:
        assert json_schema.errors(record | {part: {"more": 1}}, POPULATION, POPULATION), part


def test_what_breaks_the_schema_is_seen() -> None:
    record = made()["shapley"].to_json()
    for broken in (
        record | {"more": 1},
        record | {"values": ["a"]},
        record | {"semantics": "gone"},
        record | {"fidelity": [{"name": "m"}]},
        {name: value for name, value in record.items() if name != "bound"},
    ):
        assert json_schema.errors(broken, EXPLANATION, EXPLANATION)


def test_removal_is_named_for_readers_and_never_left_open() -> None:
    for catalogue in CATALOGUES.values():
        assert {f"semantics_{name}" for name in SEMANTICS} == {key for key in catalogue if key.startswith("semantics_")}
    with pytest.raises(ExplanationError, match="removal semantics ''"):
        Explanation("k", "q?", np.zeros(1), ("a",), "t", 0.0, None, "", "")
