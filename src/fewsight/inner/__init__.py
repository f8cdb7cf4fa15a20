"""Differentiable optimizers for inner loops, as (init, update) pairs of pure functions."""

from fewsight.inner.as_torch import AsTorchOptimizer
from fewsight.inner.from_torch import from_torch
from fewsight.inner.learned import CoordinateLSTM, LearnedOptimizer, MetaLSTM
from fewsight.inner.loops import Fast, FastMAML, inner_loop
from fewsight.inner.momentum_lstm import MomentumLSTM
from fewsight.inner.names import named
from fewsight.inner.optimizer import InnerOptimizer, Parameters
from fewsight.inner.optimizers import adagrad, adam, adamw, clipped, momentum, nesterov, rmsprop, sgd
from fewsight.inner.others import adadelta, adamax, asgd, rprop
from fewsight.inner.tuned import Tuned

__all__ = [
    "AsTorchOptimizer",
    "CoordinateLSTM",
    "Fast",
    "FastMAML",
    "InnerOptimizer",
    "LearnedOptimizer",
    "MetaLSTM",
    "MomentumLSTM",
    "Parameters",
    "Tuned",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "clipped",
    "from_torch",
    "inner_loop",
    "momentum",
    "named",
    "nesterov",
    "rmsprop",
    "rprop",
    "sgd",
]
