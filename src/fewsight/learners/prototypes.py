"""What is a class, in a space of features? The mean of its examples."""

from __future__ import annotations

from torch import Tensor

from fewsight.task import Support, positive


def class_means(support: Support, features: Tensor) -> Tensor:
    """Prototypes `(N, D)` of support features `(K, D)`: p_c = sum_i (v_i / sum_c v) f_i.

    Dropping an example (see `Support.reference`) moves its prototype towards the mean of the support, so that with no
    example left all prototypes coincide there and no class is preferred. (Not towards the origin: distances do not know
    where that is.)
    """
    share = support.class_share.mT.to(features.dtype)
    mean = (support.reference / positive(support.reference.sum())).to(features.dtype) @ features
    return share @ features + (1 - share.sum(-1, keepdim=True)) * mean
