"""What can a recipe name? Domains, networks and learners; their settings are the arguments of what makes them.

A setting therefore exists once, in a signature, and is checked against it: unknown names and wrong types are found
before any data is read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from torch import nn

from fewsight.domains import DOMAINS
from fewsight.errors import RecipeError, suggest
from fewsight.learners import LEARNERS
from fewsight.networks import MLP, Conv4
from fewsight.networks.mlp import ACTIVATIONS


def conv4(input_shape: Any, *, hidden: int = 64, norm: str = "task", blocks: int = 4) -> nn.Module:
    """Conv4 for images `(channels, height, width)`."""
    if len(input_shape) != 3:
        raise RecipeError(f"network 'conv4' takes images, but inputs have shape {tuple(input_shape)}: use 'mlp'")
    channels, height, width = input_shape
    return Conv4(channels, hidden, (height, width), norm, blocks)


def mlp(input_shape: Any, *, hidden: Sequence[int], activation: str = "relu") -> nn.Module:
    """Hidden layers, each followed by its activation: features, as Conv4 gives; the learner adds its own head."""
    if activation not in ACTIVATIONS:
        raise RecipeError(f"unknown activation {activation!r}{suggest(activation, ACTIVATIONS)}")
    network = MLP([prod(input_shape), *hidden], activation)
    network.layers.append(ACTIVATIONS[activation]())
    return network


NETWORKS: dict[str, Callable[..., nn.Module]] = {"conv4": conv4, "mlp": mlp}

PARTS: dict[str, Mapping[str, Callable[..., Any]]] = {"domain": DOMAINS, "network": NETWORKS, "learner": LEARNERS}
"""By the section of a recipe: what can be named there. The first argument of each is given by `build`, the others are
settings."""


def settings(section: str, name: str) -> dict[str, Any]:
    """Names and types of the settings that `name` takes in `section`.

    Raises:
        RecipeError: nothing of that name.
    """
    if name not in PARTS[section]:
        raise RecipeError(f"unknown {section} {name!r}{suggest(name, PARTS[section])}")
    factory: Any = PARTS[section][name]
    while isinstance(factory, partial):
        factory = factory.func
    factory = getattr(factory, "__self__", factory)  # a classmethod `build` takes what its class takes
    hints = get_type_hints(getattr(factory, "__init__") if inspect.isclass(factory) else factory)  # noqa: B009
    _, *names = inspect.signature(factory).parameters
    return {name: hints[name] for name in names}


def check(section: str, name: str, given: Mapping[str, Any]) -> None:
    """Raise RecipeError when a setting in `given` is unknown or has the wrong type."""
    known = settings(section, name)
    for key, value in given.items():
        if key not in known:
            raise RecipeError(f"{section} {name!r} has no setting {key!r}{suggest(key, known)}")
        try:
            TypeAdapter(known[key], config=ConfigDict(strict=True, arbitrary_types_allowed=True)).validate_python(value)
        except ValidationError as error:
            wanted = error.errors()[0]["msg"][:1].lower() + error.errors()[0]["msg"][1:]
            raise RecipeError(f"{section}.{key} = {value!r}: {wanted}") from None
