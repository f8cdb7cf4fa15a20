"""Ready experiments as data, one TOML file for each published result, and how they become learners."""

from fewsight.recipes.build import build
from fewsight.recipes.schema import Recipe, load, names, override, parse

__all__ = ["Recipe", "build", "load", "names", "override", "parse"]
