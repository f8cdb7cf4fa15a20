"""Which published methods are MAML with other choices? Each is named here by what it changes, nothing else.

FOMAML      first-order outer gradient               Finn et al. 2017
Reptile     outer gradient theta_0 - theta_T         Nichol et al. 2018
ANIL        only the head adapts                     Raghu et al. 2020
BOIL        only the body adapts                     Oh et al. 2021
Meta-SGD    a learned rate for each number           Li et al. 2017
MAML++      learned rates for each tensor and step, multi-step loss, first order first    Antoniou et al. 2019
iMAML       implicit outer gradient                  Rajeswaran et al. 2019
CAVIA       only a context vector adapts             Zintgraf et al. 2019
Proto-MAML  the head starts as prototypes            Triantafillou et al. 2020
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fewsight.learners.gradient.maml import MAML

VARIANTS: dict[str, Callable[..., MAML]] = {
    "fomaml": partial(MAML.build, outer="first_order"),
    "reptile": partial(MAML.build, outer="reptile"),
    "anil": partial(MAML.build, adapt=("head.*",)),
    # A shared head cannot tell the body which class is which; prototypes can, and stay as they are.
    "boil": partial(MAML.build, head="prototype", adapt=("network.*",)),
    "meta-sgd": partial(MAML.build, rates="parameter"),
    "maml++": partial(MAML.build, rates="layer", outer="multi_step", first_order_until=0.2),
    "imaml": partial(MAML.build, outer="implicit", proximal=0.1, inner_steps=16, inner_lr=0.2),
    "cavia": partial(MAML.build, head="context", adapt=("head.context",)),
    "proto-maml": partial(MAML.build, head="prototype"),
}
