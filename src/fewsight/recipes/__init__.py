"""Ready experiments as data, one TOML file for each published result, and how they become learners."""

from fewsight.recipes.build import build
from fewsight.recipes.schema import Recipe, RuleRecipe, load, names, override, parse

__all__ = ["Recipe", "RuleRecipe", "build", "load", "names", "override", "parse"]
