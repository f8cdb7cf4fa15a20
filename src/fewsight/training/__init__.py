"""Meta-training and testing: `fit` and `evaluate` for a learner of your own, `train` and `test` for a recipe."""

from fewsight.training.experiment import train
from fewsight.training.fit import fit
from fewsight.training.run import Run
from fewsight.training.state import Fit

__all__ = ["Fit", "Run", "fit", "train"]
