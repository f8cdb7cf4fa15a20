"""Targets: their formulas, and how they are read from what a user writes."""

from __future__ import annotations

import pytest
import tiny
import torch

from fewsight.errors import ExplanationError
from fewsight.explain.target import parse
from fewsight.task import Support

SCORES = torch.tensor([0.3, 2.0, -1.0], dtype=torch.float64)


def read(asked: object) -> torch.Tensor:
    return parse(asked, tiny.support(), SCORES)(SCORES)


def test_formulas() -> None:
    p = SCORES.softmax(0)
    assert read(None).item() == pytest.approx((p[1] / (1 - p[1])).log().item(), abs=1e-14)
    assert read("a").item() == pytest.approx((p[0] / (1 - p[0])).log().item(), abs=1e-14)
    assert torch.equal(read("log_odds"), read("margin"))
    assert read("probability").item() == pytest.approx(p[1].item(), abs=1e-15)
    assert read(("probability", "c")).item() == pytest.approx(p[2].item(), abs=1e-15)
    assert read("contrast").item() == pytest.approx(1.7)
    assert read(("contrast", "c")).item() == pytest.approx(-3.0)
    assert read(("contrast", "c", "a")).item() == pytest.approx(-1.3)
    assert read(("loss", "a")).item() == pytest.approx(-p[0].log().item(), abs=1e-14)


def test_targets_map_over_leading_dimensions() -> None:
    many = torch.randn(4, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for asked in (None, "probability", "contrast", "loss"):
        target = parse(asked, tiny.support(), SCORES)
        each = torch.stack([torch.stack([target(scores) for scores in row]) for row in many])
        torch.testing.assert_close(target(many), each)


def test_labels_take_precedence_over_words_and_may_be_anything_hashable() -> None:
    words = Support.of(torch.zeros(3, 2), ["margin", ("loss", 1), 7])
    assert "margin of 'margin'" in parse("margin", words, SCORES).description
    assert parse(("loss", 1), words, SCORES).kind == "margin"
    assert parse(("probability", 7), words, SCORES).index == 2
    assert parse("probability", words, SCORES).index == 1


def test_a_target_is_itself() -> None:
    target = parse("probability", tiny.support(), SCORES)
    assert parse(target, tiny.support(), SCORES) is target


def test_regression() -> None:
    task = Support.of(torch.zeros(2, 3), torch.zeros(2, 3))
    assert parse(None, task, SCORES)(SCORES) == SCORES[0]
    assert parse(("value", 2), task, SCORES)(SCORES) == SCORES[2]
    error = parse(("loss", [0.3, 1.0, 0.0]), task, SCORES)(SCORES)
    assert error.item() == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("margine", "did you mean 'margin'"),
        ("probabilty", "did you mean 'probability'"),
        (("probability", "z"), "no class 'z'"),
        (("contrast", "a", "a"), "two different classes"),
        (("margin", "a", "b"), "unknown target"),
        (torch.zeros(2), "unknown target"),
        ("value", "unknown target"),
    ],
)
def test_what_cannot_be_read_is_explained(asked: object, says: str) -> None:
    with pytest.raises(ExplanationError, match=says):
        read(asked)


@pytest.mark.parametrize("asked", ["margin", ("value", 3), ("value", "x"), ("loss", [1.0]), "loss"])
def test_regression_refuses_targets_of_classification(asked: object) -> None:
    with pytest.raises(ExplanationError, match=r"output|true values"):
        parse(asked, Support.of(torch.zeros(2, 3), torch.zeros(2, 3)), SCORES)


def test_one_class_has_no_margin() -> None:
    with pytest.raises(ExplanationError, match="at least two classes"):
        parse(None, Support.of(torch.zeros(2, 3), ["a", "a"]), torch.zeros(1))
