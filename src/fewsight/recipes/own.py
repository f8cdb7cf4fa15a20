"""What is trained on a person's own data where no recipe was written? Prototypes on the usual network of its kind.

Ways, shots and queries follow from how many classes (or tasks) there are and how many examples each has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewsight import tree
from fewsight.domains import Domain, guess_kind, open_domain
from fewsight.domains.domain import ClassDomain, GivenDomain
from fewsight.domains.format import GUESSED, Columns
from fewsight.domains.images.classfolders import class_files
from fewsight.domains.images.file import survey
from fewsight.domains.tables.file import SUFFIXES
from fewsight.errors import DataError
from fewsight.recipes.schema import Recipe, parse

NETWORKS: dict[str, dict[str, Any]] = {
    "images": {"name": "conv4", "norm": "group"},
    "texts": {"name": "text"},
    "molecules": {"name": "fingerprint"},
    "rows": {"name": "row-mlp", "hidden": [64, 64]},
}
WAYS, SHOTS, QUERIES = 5, 5, 10
STEPS = 500
COLUMN = "a column 'split' that names enough of each train, val and test"
OURS = {
    "run.json": "a run: test it (fewsight evaluate), or resume it with its own recipe (--resume)",
    "recipe.toml": "the folder of a recipe: give that, {}",
}
"""Files by which a folder is known that is not of images."""


def is_data(path: str) -> bool:
    """Whether what stands in the place of a recipe is data: a folder, or a table."""
    return Path(path).is_dir() or Path(path).suffix.lower() in SUFFIXES


def own_recipe(path: Path, kind: str | None, columns: Columns) -> tuple[Recipe, str]:
    """A recipe to train on a folder of images by class or on a table, and what was chosen and done, in words.

    Args:
        kind: "images", "texts", "molecules" or "rows"; default: guessed.

    Raises:
        DataError: it cannot be read, or has too few classes or examples to learn to learn from.
    """
    for name, advice in OURS.items():
        if (path / name).exists():
            raise DataError(f"{path} is no data but {advice.format(path / name)}")
    kind = kind or ("images" if path.is_dir() else guess_kind(path))
    section: dict[str, Any] = {"name": "folder", "path": str(path.resolve()), **_size(path)}
    if kind == "images" and columns != GUESSED:
        raise DataError(f"{path} is trained on as images, which have no columns: leave out the options that name them")
    if kind != "images":
        given = {name: value for name, value in columns._asdict().items() if value is not None and name != "group"}
        section = {"name": "table", "path": str(path.resolve()), "kind": kind} | given
    settings = {name: value for name, value in section.items() if name != "name"}
    domain = open_domain(section["name"], None, **settings)
    train, test = _shape(domain, ("train",), path), _shape(domain, ("val", "test"), path)
    values = domain.outputs is not None
    table = {
        "name": path.stem,
        "about": f"{'Ridge regression' if values else 'Prototypical Networks'} on {kind} of {path.name}.",
        "domain": section,
        "network": NETWORKS[kind],
        "learner": {"name": "ridge" if values else "protonet"},
        "train": train,
        "test": test,
        "training": {"steps": STEPS, "meta_batch": 4, "validate_every": 100, "validate_tasks": 100},
    }
    what = "tasks" if isinstance(domain, GivenDomain) else "classes"
    count = {split: _count(domain, split) for split in domain.splits}
    said = (
        f"{path} was taken for {kind}{' with values to predict' if values else ''}: {count['train']} {what} to train "
        f"on, {count['val']} to validate, {count['test']} to test"
    )
    recipe = parse(table, str(path))
    assert isinstance(recipe, Recipe)
    return recipe, "\n".join([said, *(f"note: {note}" for note in domain.notes)])


def _size(path: Path) -> dict[str, Any]:
    """Size and channels that the images of a folder are seen in."""
    if not path.is_dir():
        return {}
    files = [file for members in class_files(path).values() for file in members[:2]]
    side, coloured = survey(files[:50])
    return {"size": 28 if side <= 40 else 64, "channels": 3 if coloured else 1}


def _count(domain: Domain, split: str) -> int:
    if isinstance(domain, ClassDomain):
        return len(domain.classes[split])
    assert isinstance(domain, GivenDomain)
    return len(domain.tasks[split])


def _shape(domain: Domain, splits: tuple[str, ...], path: Path) -> dict[str, int]:
    """Ways, shots and queries that every one of these splits has examples for."""
    if isinstance(domain, ClassDomain):
        least = min(len(domain.classes[split]) for split in splits)
        if least < 2:
            raise DataError(
                f"{path} has too few classes: each of training, validation and test needs at least 2 of its own; "
                f"give 10 in all{'' if path.is_dir() else f', or {COLUMN}'}"
            )
        ways = min(WAYS, least)
        size = min(tree.length(inputs) for split in splits for inputs in domain.classes[split].inputs)
    else:
        assert isinstance(domain, GivenDomain)
        if any(not domain.tasks[split] for split in splits):
            raise DataError(
                f"{path} has too few tasks: training, validation and test need at least one each; give 5 in all, or "
                f"{COLUMN}"
            )
        tasks = [task for split in splits for task in domain.tasks[split]]
        ways = 1 if domain.outputs else min(len(task.classes or ()) for task in tasks)
        size = min(len(task.y) if task.classes is None else int(task.y.bincount().min()) for task in tasks)
    if size < 2:
        raise DataError(f"{path} has a class or task with one example: give each at least 2")
    shots = max(1, min(SHOTS, size // 2))
    return {"ways": ways, "shots": shots, "queries": max(1, min(QUERIES, size - shots))}
