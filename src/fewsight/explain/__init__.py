"""Why this prediction? Explanations of a learner that adapts, each with the measured evidence that it is true."""

from fewsight.explain.analysis import Analysis
from fewsight.explain.case import Case
from fewsight.explain.crowd import Crowd, crowd
from fewsight.explain.explain import explain
from fewsight.explain.explanation import Explanation, Measure
from fewsight.explain.kinds import KINDS
from fewsight.explain.population import Population, population
from fewsight.explain.target import Target

__all__ = [
    "KINDS",
    "Analysis",
    "Case",
    "Crowd",
    "Explanation",
    "Measure",
    "Population",
    "Target",
    "crowd",
    "explain",
    "population",
]
