"""Training learned optimizers: `train_rule`, `evaluate_rule` for a recipe, `train_optimizer` for your own problems."""

from fewsight.training.rules.evolution import persistent
from fewsight.training.rules.race import Race, race
from fewsight.training.rules.run import evaluate_rule, train_rule
from fewsight.training.rules.training import load_rule, save_rule, train_optimizer
from fewsight.training.rules.truncated import truncated

__all__ = [
    "Race",
    "evaluate_rule",
    "load_rule",
    "persistent",
    "race",
    "save_rule",
    "train_optimizer",
    "train_rule",
    "truncated",
]
