"""What can a recipe name? Domains, networks, learners, update rules, problems; their settings are what these take.

A setting therefore exists once, in a signature, and is checked against it: unknown names and wrong types are found
before any data is read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, Literal, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from torch import nn

from fewsight.domains import DOMAINS
from fewsight.errors import RecipeError, suggest
from fewsight.inner.families import FAMILIES
from fewsight.inner.names import LEARNED
from fewsight.learners import LEARNERS
from fewsight.limits import Count, Counts, Natural, Positive, Share
from fewsight.networks import MLP, Conv4, ResNet12, Symmetric
from fewsight.networks.huggingface import ATTENTION, HuggingFaceEncoder
from fewsight.networks.mlp import ACTIVATIONS
from fewsight.networks.molecules import FingerprintEncoder, GraphNetwork, MoleculeEncoder
from fewsight.networks.profile import Profiled
from fewsight.networks.rows import RowMLP, RowSet
from fewsight.networks.text import TextEncoder


def conv4(
    input_shape: Any,
    *,
    hidden: Count = 64,
    norm: str = "task",
    blocks: Count = 4,
    length: Positive | None = None,
    symmetric: bool = False,
) -> nn.Module:
    """Conv4 for images `(channels, height, width)`; `symmetric`: features do not depend on which way up they lie."""
    if len(input_shape) != 3:
        raise RecipeError(f"network 'conv4' takes images, but inputs have shape {tuple(input_shape)}: use 'mlp'")
    channels, height, width = input_shape
    network = Conv4(channels, hidden, (height, width), norm, blocks, length)
    return Symmetric(network) if symmetric else network


def resnet12(
    input_shape: Any,
    *,
    widths: Counts = (64, 160, 320, 640),
    norm: str = "task",
    dropout: Share = 0.0,
    length: Positive | None = None,
    symmetric: bool = False,
) -> nn.Module:
    """ResNet-12 for images `(channels, height, width)` of 16 pixels or more a side; `symmetric` as in `conv4`."""
    if len(input_shape) != 3 or min(input_shape[1:]) < 16:
        raise RecipeError(
            f"network 'resnet12' takes images of 16 pixels or more a side, but inputs have shape {tuple(input_shape)}"
        )
    network = ResNet12(input_shape[0], widths, norm, dropout, length)
    return Symmetric(network) if symmetric else network


def frozen(
    input_shape: Any,
    *,
    library: str,
    model: str,
    scale: str = "none",
    projection: Count | None = None,
) -> nn.Module:
    """An image encoder of timm or Hugging Face that stays as it is; see `networks.frozen`."""
    if len(input_shape) != 3:
        raise RecipeError(f"network 'frozen' takes images, but inputs have shape {tuple(input_shape)}")
    if library not in ("timm", "huggingface"):
        raise RecipeError(f"unknown library {library!r}: use timm or huggingface")
    from fewsight.networks.frozen import pretrained

    return pretrained(library, model, scale, projection)


def mlp(input_shape: Any, *, hidden: Counts, activation: str = "relu") -> nn.Module:
    """Hidden layers, each followed by its activation: features, as Conv4 gives; the learner adds its own head."""
    _check_activation(activation)
    network = MLP([prod(input_shape), *hidden], activation)
    network.layers.append(ACTIVATIONS[activation]())
    return network


def row_mlp(input_shape: Any, *, hidden: Counts, activation: str = "relu") -> nn.Module:
    """For rows whose columns mean the same in every task."""
    _check_activation(activation)
    return RowMLP(*_row_shape("row-mlp", input_shape), hidden, activation)


def row_set(input_shape: Any, *, features: Count = 128, hidden: Count = 64) -> nn.Module:
    """For rows of any columns, which may differ between tasks."""
    return RowSet(*_row_shape("row-set", input_shape), features, hidden)


def _check_activation(name: str) -> None:
    if name not in ACTIVATIONS:
        raise RecipeError(f"unknown activation {name!r}{suggest(name, ACTIVATIONS)}")


def _row_shape(name: str, input_shape: Any) -> tuple[int, int]:
    if not isinstance(input_shape, Mapping) or "cells" not in input_shape:
        raise RecipeError(f"network {name!r} takes rows of tables, but inputs have shape {input_shape}")
    return tuple(input_shape["cells"])


def fingerprint(
    input_shape: Any,
    *,
    bits: Count = 2048,
    widths: Counts = (256, 128),
    descriptors: bool = True,
    dropout: Share = 0.0,
    profile: Natural = 0,
) -> nn.Module:
    """Substructures of molecules as folded counts, with descriptors, through an MLP; `profile`: see `Profiled`."""
    network = FingerprintEncoder(_atom_features("fingerprint", input_shape), bits, widths, descriptors, dropout)
    return Profiled(network, profile) if profile else network


def molecule_graph(input_shape: Any, *, hidden: Count = 64, rounds: Count = 3, profile: Natural = 0) -> nn.Module:
    """Message passing over the bonds of molecules; `profile` as in `fingerprint`."""
    network = GraphNetwork(_atom_features("molecule-graph", input_shape), hidden, rounds)
    return Profiled(network, profile) if profile else network


def fingerprint_graph(
    input_shape: Any,
    *,
    bits: Count = 2048,
    widths: Counts = (256, 128),
    descriptors: bool = True,
    dropout: Share = 0.0,
    hidden: Count = 64,
    rounds: Count = 3,
    features: Count = 128,
    profile: Natural = 0,
) -> nn.Module:
    """Both side by side; `profile` as in `fingerprint`."""
    atom = _atom_features("fingerprint-graph", input_shape)
    beside = FingerprintEncoder(atom, bits, widths, descriptors, dropout)
    network = MoleculeEncoder(beside, GraphNetwork(atom, hidden, rounds), features)
    return Profiled(network, profile) if profile else network


def _atom_features(name: str, input_shape: Any) -> int:
    if not isinstance(input_shape, Mapping) or "environments" not in input_shape:
        raise RecipeError(f"network {name!r} takes molecules, but inputs have shape {input_shape}")
    return int(input_shape["nodes"][-1])


def text(
    input_shape: Any,
    *,
    buckets: Count = 1 << 16,
    usage: Count = 128,
    spelling: Natural = 0,
    shares: Natural = 0,
    hidden: Count = 256,
    window: Count = 1,
    dropout: Share = 0.3,
    centred: bool = True,
    bent: Literal["all", "usage"] = "all",
    table: Literal["frozen", "trained"] = "frozen",
) -> nn.Module:
    """The n-gram encoder for texts; see `TextEncoder`."""
    if not isinstance(input_shape, Mapping) or len(input_shape.get("ids", ())) != 2:
        raise RecipeError(f"network 'text' takes texts without a tokenizer, but inputs have shape {input_shape}")
    sizes = {"usage": usage, "spelling": spelling, "shares": shares, "hidden": hidden, "window": window}
    return TextEncoder(buckets, dropout=dropout, centred=centred, bent=bent, table=table, **sizes)


def huggingface(
    input_shape: Any,
    *,
    model: str,
    train: Literal["frozen", "lora", "all"] = "frozen",
    rank: Count = 8,
    layers: Sequence[str] = ATTENTION,
    out_features: Count = 128,
) -> nn.Module:
    """An encoder of the Hugging Face hub, for a domain with the `tokenizer` of the same name."""
    if not isinstance(input_shape, Mapping) or len(input_shape.get("ids", ())) != 1:
        raise RecipeError(f"network 'huggingface' takes a tokenizer's pieces: set domain.tokenizer = {model!r}")
    return HuggingFaceEncoder(model, train=train, rank=rank, layers=layers, out_features=out_features)


NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "conv4": conv4,
    "resnet12": resnet12,
    "frozen": frozen,
    "mlp": mlp,
    "row-mlp": row_mlp,
    "row-set": row_set,
    "text": text,
    "huggingface": huggingface,
    "fingerprint": fingerprint,
    "molecule-graph": molecule_graph,
    "fingerprint-graph": fingerprint_graph,
}

PARTS: dict[str, Mapping[str, Callable[..., Any]]] = {
    "domain": DOMAINS,
    "network": NETWORKS,
    "learner": LEARNERS,
    "rule": LEARNED,
    "problems": FAMILIES,
    "unseen": FAMILIES,
}
"""By the section of a recipe: what can be named there; its arguments are the settings."""
GIVEN = frozenset({"domain", "network", "learner"})
"""Sections whose parts get their first argument from elsewhere: a data directory, an input shape, a network."""
OUTPUTS = ("learner", "outputs")
"""What the domain says."""


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
    hints = get_type_hints(getattr(factory, "__init__") if inspect.isclass(factory) else factory, include_extras=True)  # noqa: B009
    names = list(inspect.signature(factory).parameters)[section in GIVEN :]
    return {name: hints[name] for name in names if (section, name) != OUTPUTS}


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
