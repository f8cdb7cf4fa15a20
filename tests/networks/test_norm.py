"""Task normalisation: whose statistics are used for whom."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fewsight.errors import LearnerError, RecipeError
from fewsight.networks import Conv4, TaskNorm, embed_query, embed_support

SUPPORT = torch.randn(5, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
QUERY = 2 + torch.randn(4, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
ONES = torch.ones(5, dtype=torch.float64)


def test_without_blending_the_support_is_batch_normalised() -> None:
    layer = TaskNorm(3, blend=False).double()
    found, moments = embed_support(layer, SUPPORT, ONES)
    torch.testing.assert_close(found, nn.functional.batch_norm(SUPPORT, None, None, training=True))
    mean, variance = SUPPORT.mean((0, 2, 3)), SUPPORT.var((0, 2, 3), unbiased=False)
    expected = nn.functional.batch_norm(QUERY, mean, variance)
    torch.testing.assert_close(embed_query(layer, QUERY, moments), expected)


def test_transductive_queries_are_normalised_by_themselves() -> None:
    layer = TaskNorm(3, blend=False).double()
    expected = nn.functional.batch_norm(QUERY, None, None, training=True)
    torch.testing.assert_close(embed_query(layer, QUERY, None), expected)


def test_full_blend_with_the_inputs_own_moments_is_instance_normalisation() -> None:
    layer = TaskNorm(3).double()
    layer.blend.data.fill_(-100.0)
    found, _ = embed_support(layer, SUPPORT, ONES)
    torch.testing.assert_close(found, nn.functional.instance_norm(SUPPORT))


def test_an_empty_support_falls_back_to_the_inputs_own_moments() -> None:
    layer = TaskNorm(3).double()
    _, moments = embed_support(layer, SUPPORT, torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(embed_query(layer, QUERY, moments), nn.functional.instance_norm(QUERY))


def test_weights_count_like_copies() -> None:
    layer = TaskNorm(3).double()
    _, moments = embed_support(layer, SUPPORT, torch.tensor([1.0, 2, 1, 0, 1], dtype=torch.float64))
    copies = SUPPORT[[0, 1, 1, 2, 4]]
    _, expected = embed_support(layer, copies, ONES)
    torch.testing.assert_close(embed_query(layer, QUERY, moments), embed_query(layer, QUERY, expected))


def test_bad_use_is_told() -> None:
    with pytest.raises(LearnerError, match="outside a learner"):
        TaskNorm(3)(SUPPORT)
    with pytest.raises(RecipeError, match="unknown norm 'groups'; did you mean 'group'"):
        Conv4(norm="groups")
