"""What did molecules like it do in the assays known before? A profile beside an encoder's features.

Molecules that many assays call alike are likely to be called alike by the next (Petrone et al. 2012, "Rethinking
molecular similarity"; the text encoder's `groupshares` say so of words). The molecules of meta-training vote, each by
its likeness to the one that is asked about; for each assay the profile is the logarithm of the odds. While training it
is left out, where it would give the answer away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fewsight.errors import RecipeError
from fewsight.networks.features import feature_size
from fewsight.networks.isometry import isometry
from fewsight.networks.molecules import folded
from fewsight.tree import Tree

BITS = 512
"""Of the fingerprints that are compared; 2,048 gave the same."""
SHARPNESS = 16
"""Power of the likeness: one of .9 counts .19, one of .5 nothing. 32 gave the same."""
DOUBT = 0.1
"""Votes imagined on either side: a molecule unlike all known ones has a profile of 0."""
WEIGHT = 1.2
"""Of its mean square over the assays, beside features whose squared distances are log-odds. These four were chosen on
three folds of Tox21's training assays."""


class Profiled(nn.Module):
    """Molecules to the features of `network` and those of their profile, `(B, D + features)`.

    Args:
        network: from molecules to `(B, D)`, which it says as `out_features`.
        features: of the profile, whose distances are those of the log-odds; nearly, where there are more assays.
    """

    known: Tensor
    active: Tensor
    inactive: Tensor
    turn: Tensor

    def __init__(self, network: nn.Module, features: int) -> None:
        super().__init__()
        self.network, self.features = network, features
        self.out_features = feature_size(network, None, "Profiled") + features
        self._remember(torch.zeros(0, BITS), torch.zeros(0, 0))

    def prepare(self, inputs: Iterable[Tree]) -> None:
        """Remember the molecules of meta-training, portions with `labels` `(n, assays)`, NaN where not measured.

        Raises:
            RecipeError: there are no labels.
        """
        seen, labels, portions = [], [], iter(inputs)

        def passing() -> Iterator[Tree]:
            for portion in portions:
                if "labels" not in portion:
                    raise RecipeError("network.profile needs assays, tasks of two classes each: leave it out")
                seen.append(folded(portion, BITS).log1p())
                labels.append(portion["labels"])
                yield portion

        getattr(self.network, "prepare", list)(passing())  # list: an encoder that wants nothing lets them pass
        self._remember(torch.cat(seen), torch.cat(labels).to(seen[0].dtype))

    def forward(self, x: Tree) -> Tensor:
        features = self.network(x)
        beside = features.new_zeros(len(features), self.features) if self.training else self._profile(x)
        return torch.cat([features, beside], -1)

    def _profile(self, x: Tree) -> Tensor:
        asked = folded(x, BITS).log1p()
        both = asked @ self.known.mT
        either = asked.square().sum(-1, keepdim=True) + self.known.square().sum(-1) - both
        vote = (both / either) ** SHARPNESS
        odds = (vote @ self.active + DOUBT).log() - (vote @ self.inactive + DOUBT).log()
        return odds @ self.turn

    def _remember(self, known: Tensor, labels: Tensor) -> None:
        """Active and inactive molecules of an assay have as much to say, however rare one is."""
        active, inactive = (labels == 1).to(known.dtype), (labels == 0).to(known.dtype)
        self.register_buffer("known", known)
        self.register_buffer("active", active)
        self.register_buffer("inactive", inactive * active.sum(0) / inactive.sum(0).clamp(min=1))
        turn = WEIGHT * isometry(labels.shape[1], self.features) / max(labels.shape[1], 1) ** 0.5
        self.register_buffer("turn", torch.from_numpy(turn).to(known.dtype))

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """How many molecules and assays there were is known from what is loaded."""
        for name, buffer in self._buffers.items():
            if buffer is not None and prefix + name in state_dict:
                self._buffers[name] = buffer.new_empty(state_dict[prefix + name].shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)
