"""What does differentiating an inner loop ask of its parts? Attention that has a second derivative, a loss that moves.

Fused attention kernels have a first derivative only, so inside an inner loop `scaled_dot_product_attention` (and with
it nn.MultiheadAttention and the transformer layers of torch) is switched to the one written as matrix products.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from fewsight.errors import LearnerError
from fewsight.inner.optimizer import Parameters

UNMOVED = "this loss does not depend on the parameters that adapt: compute it with the module that adapts, undetached"


def twice_differentiable() -> AbstractContextManager[None]:
    """Inside, attention takes the kernel that has a second derivative."""
    return sdpa_kernel(SDPBackend.MATH)


def refuse_no_dependence(gradients: Parameters) -> None:
    """Raise LearnerError when gradients that could be differentiated are constants, and all zero.

    Inside torch.func transforms values cannot be looked at; then nothing is checked.
    """
    values = list(gradients.values())
    hidden = any(torch._C._functorch.is_functorch_wrapped_tensor(value) for value in values)
    if torch.is_grad_enabled() and not hidden and not any(v.requires_grad or bool(v.any()) for v in values):
        raise LearnerError(UNMOVED)
