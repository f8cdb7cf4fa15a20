"""Explanation and Analysis as values: their verdict, JSON and text."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
from matplotlib import pyplot
from matplotlib.text import Text

from fewsight.errors import ExplanationError
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.subsets import interactions, leave_one_out, shapley


def explanation(**changes: object) -> Explanation:
    made = shapley(tiny.case(tiny.learner("matching"), tiny.support()))
    return replace(made, **changes)  # type: ignore[arg-type]


def test_it_is_trusted_until_something_fails() -> None:
    assert explanation().trusted
    assert str(explanation()).startswith("shapley: ")
    failed = explanation(fidelity=(Measure("a test", 0.1, passed=False),))
    assert failed.failures == ["a test: 0.1"]
    assert "a test: 0.1" in str(failed).splitlines()[0]
    wrong = explanation(residual=0.2)
    assert not wrong.complete
    assert "do not add up" in str(wrong).splitlines()[0]
    assert explanation(controls=(Measure("undecided", float("nan")),)).trusted


def test_json_is_strict_and_complete() -> None:
    found = replace(
        leave_one_out(tiny.case(tiny.learner("protonet"), tiny.support(3, 1))),
        fidelity=(Measure("m", float("nan"), (0.0, float("inf")), None, "text", {"share": [0.0, 1.0]}),),
        interval=np.zeros((3, 2)),
    )
    record = found.to_json()
    text = json.dumps(record, allow_nan=False)
    assert json.loads(text) == record
    assert record["values"] == [None, None, None]
    assert record["interval"] == [[0.0, 0.0]] * 3
    assert record["fidelity"][0]["value"] is None
    assert record["fidelity"][0]["interval"] == [0.0, None]
    assert record["schema"] == "fewsight.explanation/1"
    assert record["trusted"] is True


def test_to_shap_teaches_where_shap_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(ExplanationError, match="pip install shap"):
        explanation().to_shap()


def test_to_shap_hands_over_values_baseline_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shap", SimpleNamespace(Explanation=lambda **given: given))
    found = explanation()
    given = found.to_shap()
    np.testing.assert_array_equal(given["values"], found.values)
    assert given["base_values"] == found.baseline
    assert given["feature_names"] == list(found.players)
    assert given["base_values"] + given["values"].sum() == pytest.approx(found.value)
    table = explanation(values=found.values.reshape(2, 3)).to_shap()
    assert (table["values"].shape, table["feature_names"]) == ((6,), list(found.players))
    pairs = interactions(tiny.case(tiny.learner("matching"), tiny.support())).to_shap()
    assert (pairs["values"].shape, pairs["feature_names"]) == ((6, 6), list(found.players))


def test_shap_draws_it() -> None:
    shap = pytest.importorskip("shap")
    found = explanation()
    given = found.to_shap()
    assert isinstance(given, shap.Explanation)
    axes = shap.plots.waterfall(given, show=False)
    shown = " ".join(text.get_text() for text in axes.figure.findobj(Text)).replace("\u2212", "-")
    assert all(player in shown for player in found.players)
    assert f"{found.value:.3f}".rstrip("0") in shown
    pyplot.close("all")
