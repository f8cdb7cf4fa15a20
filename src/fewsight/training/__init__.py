"""Meta-training and testing: `fit` and `evaluate` for your own learner, `train` and `evaluate_run` for a recipe.

`train_rule` and `evaluate_rule` do the same for a recipe of a learned optimizer.
"""

from fewsight.training.evaluate import evaluate
from fewsight.training.experiment import evaluate_run, train
from fewsight.training.fit import fit
from fewsight.training.report import Report
from fewsight.training.rules import evaluate_rule, train_rule
from fewsight.training.run import Run
from fewsight.training.state import Fit

__all__ = ["Fit", "Report", "Run", "evaluate", "evaluate_rule", "evaluate_run", "fit", "train", "train_rule"]
