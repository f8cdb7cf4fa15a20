"""Supports, weights, and batches of unequal tasks."""

from __future__ import annotations

import pytest
import torch

from fewsight import tree
from fewsight.errors import DataError
from fewsight.task import Support, Task, stack


def test_labels_are_numbered_by_first_appearance_or_as_told() -> None:
    x = torch.zeros(4, 2)
    assert Support.of(x, ["b", "a", "b", "c"]).y.tolist() == [0, 1, 0, 2]
    assert Support.of(x, ["b", "a", "b", "c"], classes="abc").y.tolist() == [1, 0, 1, 2]
    assert Support.of(x, torch.tensor([7, 3, 7, 3])).labels == (7, 3)


def test_shares_sum_to_one_under_renormalise_and_keep_their_size_under_drop() -> None:
    support = Support.of(torch.zeros(4, 2), ["a", "a", "b", "b"])
    weight = torch.tensor([1.0, 0, 1, 1])
    renormalised, dropped = support.reweighted(weight), support.reweighted(weight, drop=True)
    torch.testing.assert_close(renormalised.share, torch.tensor([1, 0, 1, 1]) / 3)
    torch.testing.assert_close(dropped.share, torch.tensor([1, 0, 1, 1]) / 4)
    torch.testing.assert_close(renormalised.class_share, torch.tensor([[1, 0], [0, 0], [0, 0.5], [0, 0.5]]))
    torch.testing.assert_close(dropped.class_share, torch.tensor([[0.5, 0], [0, 0], [0, 0.5], [0, 0.5]]))


def test_a_class_without_weight_is_not_present() -> None:
    support = Support.of(torch.zeros(3, 2), ["a", "b", "b"]).reweighted(torch.tensor([0.0, 1, 1]))
    assert support.present.tolist() == [False, True]
    assert torch.isfinite(support.class_share).all()


def test_stacking_pads_what_is_unequal_with_weight_zero() -> None:
    small = Task(Support.of(torch.ones(2, 3), ["a", "b"]), torch.ones(1, 3), torch.tensor([0]))
    large = Task(Support.of(torch.zeros(4, 3), ["a", "b", "c", "c"]), torch.zeros(2, 3), torch.tensor([0, 2]))
    batch = stack([small, large])
    assert batch.support.x.shape == (2, 4, 3)
    assert batch.support.weight.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch.query_weight.tolist() == [[1, 0], [1, 1]]
    assert batch.support.ways == 3


def test_a_task_is_a_tree() -> None:
    task = Task(Support.of(torch.ones(2, 3), ["a", "b"]), torch.ones(1, 3), torch.tensor([0]), name="t")
    again = tree.tree_map(lambda leaf: leaf + 0, task)
    assert again.name == "t"
    assert again.support.labels == ("a", "b")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(0, 2), [], "support set is empty"),
        (torch.zeros(2, 2), ["a"], "2 inputs but 1 labels"),
        (torch.zeros(2, 2), torch.tensor([0.0, torch.nan]), "NaN"),
    ],
)
def test_bad_supports_are_told(x: torch.Tensor, y: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Support.of(x, y)


def test_a_label_outside_the_classes_is_told() -> None:
    with pytest.raises(DataError, match="'z' is not among the classes"):
        Support.of(torch.zeros(2, 2), ["a", "z"], classes=["a", "b"])
