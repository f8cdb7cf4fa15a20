"""Why this prediction? Explanations of a learner that adapts, each with the measured evidence that it is true."""

from fewsight.explain.analysis import Analysis
from fewsight.explain.case import Case
from fewsight.explain.explain import explain
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.kinds import KINDS
from fewsight.explain.target import Target

__all__ = ["KINDS", "Analysis", "Case", "Explanation", "Measure", "Target", "explain"]
