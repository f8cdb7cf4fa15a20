"""Where does the work go, to the processor or to a GPU? And under which seed does it draw random numbers there?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

from fewsight.errors import RecipeError

AUTO = "auto"


def at_hand(name: str = AUTO) -> list[torch.device]:
    """The devices that `name` allows: all that this machine has for "auto" (the processor first), else the one named.

    Raises:
        RecipeError: there is none of that name.
    """
    if name == AUTO:
        return [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):  # what a build without CUDA raises
        have = ", ".join(map(str, at_hand()))
        raise RecipeError(f"device {name!r} is not at hand: this machine and its PyTorch have {have}") from None
    return [device]


def of(module: nn.Module) -> torch.device:
    """Where the parameters of `module` are."""
    return next((tensor.device for tensor in chain(module.parameters(), module.buffers())), torch.device("cpu"))


@contextmanager
def random_numbers(seed: int | None) -> Iterator[None]:
    """Inside, PyTorch's global generators are under `seed` (None: as they are); afterwards as they were before."""
    cuda = torch.cuda.is_initialized()
    with torch.random.fork_rng(list(range(torch.cuda.device_count())) if cuda else []):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
            if cuda:
                torch.cuda.manual_seed_all(seed)
        yield
