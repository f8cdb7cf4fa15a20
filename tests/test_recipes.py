"""Recipes: what is in them, how they are overridden, and what their errors say."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from fewsight import recipes
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.texts.format import TextFormat
from fewsight.errors import FewsightError, RecipeError, suggest
from fewsight.inner.problems import reached
from fewsight.recipes import parts
from fewsight.training.engine import STRATEGIES
from fewsight.training.rules.run import built, family

IMAGES = SimpleNamespace(outputs=None, input_shape=(1, 28, 28))
COLOURED = SimpleNamespace(outputs=None, input_shape=(3, 48, 48))
WAVES = SimpleNamespace(outputs=1, input_shape=(1,))
TEXTS = SimpleNamespace(outputs=None, input_shape=TextFormat().shape)
MOLECULES = SimpleNamespace(outputs=None, input_shape=MoleculeFormat().shape)
ROW_SHAPE = {"cells": (13, 10), "mask": (13,), "size": ()}
REGRESSIONS = {"sinusoid", "parkinsons"}


def shapes(recipe: recipes.Recipe) -> SimpleNamespace:
    """What the recipe's network is built on, without its data."""
    domain = recipe.domain.name
    if recipe.network.name.startswith("row-"):
        return SimpleNamespace(outputs=1 if domain in REGRESSIONS else None, input_shape=ROW_SHAPE)
    known = {"sinusoid": WAVES, "caltech101": COLOURED, "omniglot": IMAGES, "digits": IMAGES, "mednist": IMAGES}
    known |= dict.fromkeys(("clinc150", "huffpost", "fewrel"), TEXTS)
    known |= dict.fromkeys(("tox21", "sider", "muv", "toxcast", "fsmol"), MOLECULES)
    return known[domain]


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_is_whole(name: str) -> None:
    recipe = recipes.load(name)
    assert recipe.name == name
    assert recipe.results, "a recipe says what it is measured by"
    assert all(f" {name} " in r.command + " " or f"/{name} " in r.command + " " for r in recipe.results)
    if isinstance(recipe, recipes.RuleRecipe):
        problems = family(recipe.unseen)(torch.Generator().manual_seed(0))
        assert reached(built(recipe), problems, 2).isfinite().all()
        return
    assert recipe.training.strategy in {"auto", *STRATEGIES}
    assert recipe.training.steps >= recipe.training.validate_every
    learner = recipes.build(recipe, shapes(recipe))
    assert ("regression" if recipe.domain.name in REGRESSIONS else "classification") in learner.kinds


def test_the_names_that_are_promised() -> None:
    promised = {"omniglot-protonet", "omniglot-matching", "omniglot-maml", "sinusoid-maml"}
    assert promised | {"digits-protonet", "digits-matching", "digits-maml"} <= set(recipes.names())


def test_the_same_recipe_gives_the_same_weights_and_moves_no_generator() -> None:
    recipe = recipes.load("digits-maml")
    before = torch.get_rng_state()
    first = recipes.build(recipe, IMAGES).state_dict()
    torch.rand(3)
    again = recipes.build(recipe, IMAGES).state_dict()
    other = recipes.build(recipes.override(recipe, ["seed=1"]), IMAGES).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    torch.set_rng_state(before)
    recipes.build(recipe, IMAGES)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_sinusoid_network_is_the_papers() -> None:
    """1-40-40-1 with ReLU after both hidden layers: 1,761 parameters, piecewise linear in between."""
    learner = recipes.build(recipes.load("sinusoid-maml"), WAVES)
    assert sum(parameter.numel() for parameter in learner.parameters()) == 80 + 1640 + 41
    features = learner.get_submodule("network")(torch.linspace(-5, 5, 50)[:, None])
    assert features.shape == (50, 40)
    assert (features >= 0).all()
    assert (features == 0).any()


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("training.steps=7", "training", "steps", 7),
        ("steps=7", "training", "steps", 7),
        (" steps = 7 ", "training", "steps", 7),
        ("lr=1", "training", "lr", 1.0),
        ("lr=.5", "training", "lr", 0.5),
        ("inner_lr=0.5", "learner", "inner_lr", 0.5),
        ("schedule=constant", "training", "schedule", "constant"),
        ('schedule="constant"', "training", "schedule", "constant"),
        ("strategy=loop+channels_last+bf16", "training", "strategy", "loop+channels_last+bf16"),
        ("transductive=true", "learner", "transductive", True),
        ("hidden=[3, 4]", "network", "hidden", [3, 4]),
        ("test.shots=2", "test", "shots", 2),
        ("patience=3", "training", "patience", 3),
    ],
)
def test_overrides(override: str, section: str, key: str, value: object) -> None:
    recipe = recipes.load("sinusoid-maml", [override])
    part = getattr(recipe, section)
    assert (part.settings if section in parts.PARTS else part.model_dump())[key] == value
    assert recipe.model_copy(update={section: None}) == recipes.load("sinusoid-maml").model_copy(update={section: None})


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stepz=7", "unknown key 'stepz'; did you mean 'steps'?"),
        ("training.stepz=7", "unknown key 'training.stepz'; did you mean 'training.steps'?"),
        ("inner_step=7", "unknown key 'inner_step'; did you mean 'inner_steps'?"),
        ("shots=7", "'shots' could mean train.shots or test.shots"),
        ("steps=many", "training.steps = 'many'"),
        ("steps=1.5", "training.steps = 1.5"),
        ("steps=true", "training.steps = True"),
        ("steps=0", "training.steps = 0"),
        ("lr=-1", "training.lr = -1"),
        ("schedule=cosin", "training.schedule = 'cosin'"),
        ("inner_steps=two", "learner.inner_steps = 'two'"),
        ("hidden=40", "network.hidden = 40"),
        ("learner.name=mamml", "unknown learner 'mamml'; did you mean 'maml'?"),
        ("network.name=conv5", "unknown network 'conv5'; did you mean 'conv4'?"),
        ("steps", "write key=value"),
    ],
)
def test_a_wrong_override_is_one_clear_line(override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipes.load("sinusoid-maml", [override])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def edited(tmp_path: Path, old: str, new: str) -> Path:
    source = Path(recipes.__file__).with_name("digits-maml.toml").read_text("utf-8")
    assert old in source
    path = tmp_path / "mine.toml"
    path.write_text(source.replace(old, new, 1), "utf-8")
    return path


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    assert recipes.load(edited(tmp_path, "digits-maml", "mine")).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[training]", "[trainning]", "unknown key 'trainning'; did you mean 'training'?"),
        ("meta_batch", "meta_batsh", "unknown key 'training.meta_batsh'; did you mean 'meta_batch'?"),
        ("inner_lr", "inner_rate", "learner 'maml' has no setting 'inner_rate'"),
        ("blocks", "block", "network 'conv4' has no setting 'block'; did you mean 'blocks'?"),
        ("about =", "abuot =", "unknown key 'abuot'; did you mean 'about'? (and 1 more)"),
        ("\nsteps = ", "\n# steps = ", "'training.steps' is missing"),
        ('name = "digits"', 'name = "digit"', "unknown domain 'digit'; did you mean 'digits'?"),
        ("protocol =", "protokol =", "unknown key 'results.protokol'; did you mean 'protocol'?"),
        ("[train]", "[train", "is not TOML"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = edited(tmp_path, old, new)
    with pytest.raises(RecipeError) as caught:
        recipes.load(path, ["steps=3"])
    found = str(caught.value)
    assert message in found
    assert str(path) in found
    assert "\n" not in found


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'omniglot-maml'"):
        recipes.load("omniglot-mamal")
    with pytest.raises(RecipeError, match="cannot read recipe"):
        recipes.load(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="cannot read recipe"):
        recipes.load(tmp_path / "binary.toml")


def test_a_network_that_does_not_fit_the_inputs() -> None:
    with pytest.raises(RecipeError, match="takes images"):
        recipes.build(recipes.load("digits-maml"), SimpleNamespace(outputs=None, input_shape=(7,)))


def test_every_part_can_say_its_settings() -> None:
    for section, known in parts.PARTS.items():
        for name in known:
            assert all(isinstance(key, str) for key in parts.settings(section, name))
    assert suggest("inner_step", parts.settings("learner", "fomaml")) == "; did you mean 'inner_steps'?"


def settings_of_recipes() -> list[tuple[str, str]]:
    """For every network, learner, rule and family that some recipe has, one such recipe and the section."""
    found: dict[tuple[str, str], str] = {}
    for name in recipes.names():
        recipe = recipes.load(name)
        sections = ("network", "learner") if isinstance(recipe, recipes.Recipe) else ("rule", "problems")
        for section in sections:
            found.setdefault((section, getattr(recipe, section).name), name)
    return [(name, section) for (section, _), name in found.items()]


@pytest.mark.parametrize(("name", "section"), settings_of_recipes())
def test_no_number_of_a_setting_ends_in_a_traceback(name: str, section: str) -> None:
    """No setting can be negative but a power; any other number is an error in one line, or can be built."""
    for key in parts.settings(section, getattr(recipes.load(name), section).name):
        if key != "power":
            with pytest.raises(FewsightError, match=f"{section}.{key} = -1: "):
                recipes.load(name, [f"{section}.{key}=-1"])
        for value in ("0", "2", "1.5", "nan", "[]", "[0]", "[3]"):
            with suppress(FewsightError):
                recipe = recipes.load(name, [f"{section}.{key}={value}"])
                built(recipe) if isinstance(recipe, recipes.RuleRecipe) else recipes.build(recipe, shapes(recipe))
