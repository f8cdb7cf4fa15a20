"""Differentiable optimizers for inner loops, as (init, update) pairs of pure functions."""

from fewsight.inner.optimizer import InnerOptimizer, sgd

__all__ = ["InnerOptimizer", "sgd"]
