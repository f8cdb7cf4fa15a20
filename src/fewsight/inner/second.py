"""What does differentiating an inner loop ask of its parts? Attention that has a second derivative, a loss that moves.

Fused attention kernels have a first derivative only, so inside an inner loop `scaled_dot_product_attention` (and with
it nn.MultiheadAttention and the transformer layers of torch) is switched to the one written as matrix products.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from fewsight.errors import LearnerError
from fewsight.inner.optimizer import Parameters

UNMOVED = "this loss does not depend on the parameters that adapt: compute it with the module that adapts, undetached"


def twice_differentiable() -> AbstractContextManager[None]:
    """Inside, attention takes the kernel that has a second derivative."""
    return sdpa_kernel(SDPBackend.MATH)


def attention_note(module: nn.Module) -> list[str]:
    """What to say of a module whose attention will be switched; nothing where it has none of torch's."""
    if not any(isinstance(part, nn.MultiheadAttention) for part in module.modules()):
        return []
    return [
        "attention takes torch's matrix-product kernel inside the inner loop: the fused ones have no second derivative"
    ]


def refuse_no_dependence(loss: Tensor, parameters: Parameters) -> None:
    """Raise LearnerError when `loss` was computed without `parameters`, of which gradients are asked."""
    asked = torch.is_grad_enabled() and any(value.requires_grad for value in parameters.values())
    if asked and not loss.requires_grad:
        raise LearnerError(UNMOVED)


def gradients_of(loss: Tensor, parameters: Parameters, *, create_graph: bool) -> Parameters:
    """The gradients of a loss, 0 for a parameter that it does not depend on.

    Raises:
        LearnerError: it depends on none of them.
    """
    values = list(parameters.values())
    if not loss.requires_grad:
        raise LearnerError(UNMOVED)
    found = torch.autograd.grad(loss, values, create_graph=create_graph, allow_unused=True)
    if all(gradient is None for gradient in found):
        raise LearnerError(UNMOVED)
    filled = (torch.zeros_like(v) if g is None else g for v, g in zip(values, found, strict=True))
    return dict(zip(parameters, filled, strict=True))
