"""What is a recipe? One experiment as data: domain, network, learner, task shapes, training, and the results it gave.

A recipe is a TOML file; those in this folder are known by name. `load` reads one, applies `key=value` overrides and
checks every key and type. What trains a learned optimizer has a rule and problems instead: a `RuleRecipe`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fewsight.domains.plugin import MARK
from fewsight.errors import RecipeError, suggest
from fewsight.limits import Count, Natural
from fewsight.recipes import parts

LEADING_POINT = re.compile(r"^(\s*[+-]?)\.(?=\d)")
"""Of a number such as .5, which people write and TOML does not know."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Part(BaseModel):
    """A domain, network or learner: its registered name and, beside it, its settings."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    name: str

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Shape(_Section):
    """The shape of an episode. In regression `ways` means nothing, shots and queries are those of the whole task."""

    ways: Count = 1
    shots: Count
    queries: Count


class Training(_Section):
    """The arguments of `fewsight.training.fit`, by the same names; and `start`, a run whose network to begin with."""

    steps: Count
    start: str | None = None
    meta_batch: Count = 4
    lr: Annotated[float, Field(gt=0)] = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: Annotated[float, Field(gt=0)] = 10.0
    seed: Natural = 0
    validate_every: Count = 500
    validate_tasks: Count = 200
    patience: Count | None = None
    strategy: str = "auto"
    checkpoint_every: Count = 100
    record: Natural = 0


class Result(_Section):
    """One measured outcome beside the published one (in percent, or mean squared error), and how to get it again."""

    protocol: str
    published: float | None = None
    source: str = ""
    measured: float | None = None
    interval: float | None = None
    cost: str = ""
    command: str = ""


class _Experiment(_Section):
    """What every recipe has."""

    name: str
    about: str
    results: list[Result] = []
    sections: ClassVar[dict[str, type[BaseModel]]]
    """Its sections, by their keys."""


class Recipe(_Experiment):
    """A learner that is meta-trained on tasks."""

    domain: Part
    network: Part
    learner: Part
    train: Shape
    test: Shape
    training: Training
    sections: ClassVar = {
        "domain": Part,
        "network": Part,
        "learner": Part,
        "train": Shape,
        "test": Shape,
        "training": Training,
    }


class RuleTraining(_Section):
    """How a learned optimizer is trained; see `fewsight.training.rules`."""

    episodes: Count
    steps: Count = 100
    unroll: Count = 100
    lr: Annotated[float, Field(gt=0)] = 1e-3
    seed: Natural = 0
    estimator: Literal["truncated", "first_order", "persistent"] = "truncated"
    validate_problems: Count = 50
    checkpoint_every: Count = 20


class RuleRecipe(_Experiment):
    """A learned optimizer that is trained on a family of problems, and the family that it is tested on."""

    rule: Part
    problems: Part
    unseen: Part
    training: RuleTraining
    sections: ClassVar = {"rule": Part, "problems": Part, "unseen": Part, "training": RuleTraining}


R = TypeVar("R", bound=Recipe | RuleRecipe)


def names() -> list[str]:
    """The recipes that come with the package."""
    files = resources.files("fewsight.recipes").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe | RuleRecipe:
    """The recipe of that name or in that TOML file, with `overrides` applied.

    Args:
        overrides: "section.key=value", or "key=value" where only one section has that key; values as in TOML, and what
            is not TOML is text ("training.steps=100", "inner_lr=0.1", "norm=group").

    Raises:
        RecipeError: no such recipe, not TOML, an unknown key (the nearest is suggested), or a value of a wrong type.
    """
    return override(parse(_read(name_or_path), str(name_or_path)), overrides)


def override(recipe: R, overrides: Sequence[str], only: Sequence[str] = ()) -> R:
    """`recipe` with other values; see `load`.

    Args:
        only: the sections and full keys that may change ("learner", "training.steps"); default: all.
    """
    table = recipe.model_dump(mode="json")
    for text in overrides:
        _override(table, text, only)
    changed = parse(table, recipe.name)
    assert isinstance(changed, type(recipe))
    return changed


def parse(table: Mapping[str, Any], origin: str) -> Recipe | RuleRecipe:
    """The recipe in `table`, checked; errors say that it came from `origin`."""
    kind = _kind(table)
    try:
        recipe = kind.model_validate(table)
        for section in _parts(kind):
            part: Part = getattr(recipe, section)
            parts.check(section, part.name, part.settings)
    except ValidationError as error:
        raise RecipeError(f"recipe {origin}: {_explain(error, kind)}") from None
    except RecipeError as error:
        raise RecipeError(f"recipe {origin}: {error}") from None
    return recipe


def _read(name_or_path: str | Path) -> dict[str, Any]:
    if name_or_path in names():
        text = resources.files("fewsight.recipes").joinpath(f"{name_or_path}.toml").read_text("utf-8")
    else:
        path = Path(name_or_path)
        if path.suffix != ".toml":
            near = get_close_matches(str(path), names(), n=1, cutoff=0.5)
            raise RecipeError(
                f"unknown recipe {str(path)!r}: "
                + (f"did you mean {near[0]!r}? Else " if near else "")
                + "give a name (fewsight recipes lists them), a path ending in .toml, or a folder or table of your own"
            )
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"cannot read recipe {path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"recipe {name_or_path} is not TOML: {error}") from None
    domain = table.get("domain")
    if isinstance(domain, dict) and MARK in str(domain.get("name")):  # a file of the user's own, beside the recipe
        domain["name"] = str(Path(name_or_path).resolve().parent / domain["name"])
    return table


def _override(table: dict[str, Any], text: str, only: Sequence[str]) -> None:
    key, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"cannot read {text!r}: write key=value, for example steps=100")
    section, _, name = _resolve(table, key.strip(), only).partition(".")
    try:
        written = LEADING_POINT.sub(r"\g<1>0.", value)
        table[section][name] = tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        table[section][name] = value.strip()


def _resolve(table: Mapping[str, Any], key: str, only: Sequence[str]) -> str:
    """The full path "section.key" of `key`, which may be its last component alone."""
    known = _keys(table)
    usable = [path for path in known if not only or path in only or path.partition(".")[0] in only]
    found = [path for path in known if key in (path, path.partition(".")[2])]
    matches = [path for path in found if path in usable]
    if found and not matches:
        raise RecipeError(
            f"{key!r} changes nothing in a trained run, only settings of {' and '.join(only)} do: leave it out, or see "
            "the options in fewsight evaluate --help"
        )
    if len(matches) > 1:
        raise RecipeError(f"{key!r} could mean {' or '.join(matches)}: write one of these")
    if not matches:
        words = usable if "." in key else {path.partition(".")[2] for path in usable}
        raise RecipeError(f"unknown key {key!r}{suggest(key, words)}")
    return matches[0]


def _keys(table: Mapping[str, Any]) -> list[str]:
    """Every "section.key" that a recipe with these parts can have."""
    found = []
    kind = _kind(table)
    for section, fields in kind.sections.items():
        found += [f"{section}.{field}" for field in fields.model_fields]
        if section in _parts(kind):
            found += [f"{section}.{key}" for key in parts.settings(section, table[section]["name"])]
    return found


def _kind(table: Mapping[str, Any]) -> type[Recipe] | type[RuleRecipe]:
    return RuleRecipe if "rule" in table else Recipe


def _parts(kind: type[_Experiment]) -> list[str]:
    return [section for section, fields in kind.sections.items() if fields is Part]


def _explain(error: ValidationError, kind: type[_Experiment]) -> str:
    """The first problem in one line; unknown keys first, a misspelt key is also a missing one."""
    first, *others = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    *place, key = [str(part) for part in first["loc"] if not isinstance(part, int)]
    path = ".".join([*place, key])
    if first["type"] == "extra_forbidden":
        fields = ({"results": Result} | kind.sections)[place[0]] if place else kind
        text = f"unknown key {path!r}{suggest(key, fields.model_fields)}"
    elif first["type"] == "missing":
        text = f"{path!r} is missing"
    else:
        text = f"{path} = {first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    return text + (f" (and {len(others)} more)" if others else "")
