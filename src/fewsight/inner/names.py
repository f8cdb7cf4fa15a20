"""Which inner optimizer does a name mean? One written by hand, one with tuned hyper-parameters, or a learned one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fewsight.errors import LearnerError, suggest
from fewsight.inner.learned import CoordinateLSTM, LearnedOptimizer, MetaLSTM
from fewsight.inner.momentum_lstm import MomentumLSTM
from fewsight.inner.optimizer import InnerOptimizer
from fewsight.inner.others import adadelta, adamax, asgd, rprop
from fewsight.inner.tuned import MAKERS, Tuned

LEARNED: dict[str, type[LearnedOptimizer]] = {
    "lstm": CoordinateLSTM,
    "meta-lstm": MetaLSTM,
    "momentum-lstm": MomentumLSTM,
}

OPTIMIZERS: dict[str, Callable[[float], InnerOptimizer | LearnedOptimizer]] = {
    **MAKERS,
    "adadelta": adadelta,
    "adamax": adamax,
    "asgd": asgd,
    "rprop": rprop,
    **{f"tuned-{name}": partial(Tuned, name) for name in MAKERS},
    **LEARNED,
}


def named(name: str, learning_rate: float) -> InnerOptimizer | LearnedOptimizer:
    """The optimizer of that name at its other defaults.

    Raises:
        LearnerError: nothing of that name.
    """
    if name not in OPTIMIZERS:
        raise LearnerError(f"unknown inner optimizer {name!r}{suggest(name, OPTIMIZERS)}")
    return OPTIMIZERS[name](learning_rate)
