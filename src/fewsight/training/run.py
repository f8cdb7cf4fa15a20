"""What does a training run leave behind? A folder with everything that is needed to resume, use and reproduce it.

run.json            recipe, protocol, fingerprint of the data, versions, strategy, command
checkpoint.json     the latest training state (see `checkpoint`)
best.json           the weights that were best on the validation tasks
metrics.jsonl       one line for each step and each validation
tensorboard/        the same as curves, where TensorBoard is installed
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import Tensor

from fewsight import recipes
from fewsight.domains import Domain, Format, format_record, open_domain, read_format
from fewsight.errors import RunError
from fewsight.learner import Learner
from fewsight.recipes import Recipe, RuleRecipe
from fewsight.training import checkpoint, files
from fewsight.training.state import load_weights

FORMAT = "fewsight.run/1"
ADAPTATION = ("learner", "network")
"""Sections of a recipe that a trained learner can be given otherwise."""


@dataclass(frozen=True)
class _Shapes:
    """What the run remembers of its domain, so that its learner can be built without the data."""

    outputs: int | None
    input_shape: Any


@dataclass(eq=False)
class Run:
    """A run folder. `info` is what run.json holds."""

    folder: Path
    info: dict[str, Any] = field(repr=False)

    @classmethod
    def create(
        cls,
        folder: str | Path,
        *,
        recipe: Recipe | RuleRecipe | None = None,
        domain: Domain | None = None,
        command: str = "",
        resume: bool = False,
    ) -> Run:
        """Start a run in `folder`, which is made; with `resume`, go on with the one that is there, if any.

        Args:
            recipe, domain: what is trained on what; both None for a learner that was built in Python.
            command: the command line that reproduces the run.

        Raises:
            RunError: the folder holds something else, an earlier run (without `resume`), or a run of another recipe or
                other data (with `resume`).
        """
        folder = Path(folder)
        if (folder / "run.json").exists():
            if not resume:
                raise RunError(f"{folder} already holds a run: resume it (--resume), or choose another folder")
            run = cls.open(folder)
            run._check_same(recipe, domain)
            return run
        try:
            folder.mkdir(parents=True, exist_ok=True)
            strange = [file.name for file in folder.iterdir() if not file.name.endswith(files.SUFFIX)]
        except OSError as error:
            raise RunError(
                f"cannot make the run folder {folder}: {error.strerror or error}; choose another folder"
            ) from error
        if strange:
            raise RunError(f"{folder} is not empty and holds no run ({min(strange)} ...): choose another folder")
        run = cls(folder, {"format": FORMAT, "command": command, "versions": _versions()})
        if recipe is not None:
            run.info["recipe"] = _plain(recipe)
        if domain is not None:
            run.info["domain"] = {
                "name": domain.name,
                "fingerprint": domain.fingerprint,
                "outputs": domain.outputs,
                "input_shape": json.loads(json.dumps(domain.input_shape)),  # as it is read again: tuples are lists
                "format": format_record(domain.format),
            }
        run.note()
        return run

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """The run in `folder`.

        Raises:
            RunError: there is none, it is damaged, or of another version.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise RunError(f"there is no run folder {folder}: train one first (fewsight train RECIPE --out {folder})")
        return cls(folder, files.read_json(folder / "run.json", FORMAT))

    def note(self, **fields: Any) -> None:
        """Add `fields` to run.json."""
        self.info |= fields
        files.write_json(self.folder / "run.json", self.info)

    @property
    def recipe(self) -> Recipe:
        """The recipe of a learner with all overrides.

        Raises:
            RunError: the run was made in Python, without a recipe, or trained a learned optimizer.
        """
        found = self.experiment
        if isinstance(found, RuleRecipe):
            raise RunError(
                f"{self.folder} holds a learned optimizer, which learns no tasks: test it (fewsight evaluate "
                f"{self.folder}), or train a model with it (fewsight.inner.AsTorchOptimizer)"
            )
        return found

    @property
    def experiment(self) -> Recipe | RuleRecipe:
        """The recipe with all overrides, of a learner or of a learned optimizer.

        Raises:
            RunError: the run was made in Python, without a recipe.
        """
        if "recipe" not in self.info:
            raise RunError(
                f"{self.folder} was trained without a recipe: build its learner and call run.restore(learner)"
            )
        return recipes.parse(self.info["recipe"], str(self.folder / "run.json"))

    def domain(self, data: str | Path | None = None) -> Domain:
        """The domain it was trained on; `data` is the data directory."""
        part = self.recipe.domain
        return open_domain(part.name, None if data is None else Path(data), **part.settings)

    @property
    def format(self) -> Format:
        """How its model sees raw inputs.

        Raises:
            RunError: the run was made in Python, without a domain.
            DataError: its domain takes no inputs of a user's own.
        """
        if "domain" not in self.info:
            if "recipe" in self.info:
                _ = self.recipe  # says what the run of a learned optimizer is for
            raise RunError(f"{self.folder} was trained without a domain: build inputs as its learner takes them")
        return read_format(self.info["domain"].get("format"))

    @property
    def values(self) -> bool:
        """Whether it predicts values; else classes. Raises as `format`."""
        _ = self.format
        return self.info["domain"]["outputs"] is not None

    def learner(self, overrides: Sequence[str] = ()) -> Learner:
        """The trained learner, in evaluation mode, with its best weights; needs no data.

        Args:
            overrides: settings of adaptation to change, "inner_steps=10".
        """
        recipe = recipes.override(self.recipe, overrides, ADAPTATION)
        learner = recipes.build(recipe, _Shapes(self.info["domain"]["outputs"], self.info["domain"]["input_shape"]))
        self.restore(learner)
        return learner.eval()

    def restore(self, learner: Learner) -> None:
        """Give `learner` the best weights of the run (the latest where there was no validation).

        Raises:
            RunError: no weights were saved yet, or they belong to another learner.
        """
        state = self.best() or self.latest()
        if state is None:
            raise RunError(f"{self.folder} has no weights yet: it stopped before its first checkpoint; resume it")
        load_weights(learner, state["weights"], str(self.folder))

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the file of the weights that `restore` gives; they must have been saved."""
        name = "best.json" if (self.folder / "best.json").exists() else "checkpoint.json"
        return str(files.read_json(self.folder / name, checkpoint.FORMAT)["sha256"])

    def save(self, state: dict[str, Any]) -> None:
        """Replace the latest training state."""
        checkpoint.save(self.folder / "checkpoint.json", state)

    def save_best(self, weights: dict[str, Tensor], **facts: Any) -> None:
        """Replace the best weights."""
        checkpoint.save(self.folder / "best.json", facts | {"weights": weights})

    def latest(self) -> dict[str, Any] | None:
        """The latest training state; None before the first."""
        return self._load("checkpoint.json")

    def best(self) -> dict[str, Any] | None:
        """The best weights so far and their validation score; None before the first validation."""
        return self._load("best.json")

    def _load(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        return checkpoint.load(path) if path.exists() else None

    def _check_same(self, recipe: Recipe | RuleRecipe | None, domain: Domain | None) -> None:
        # Read as a recipe first: what is new in recipes since then has its default.
        old = _plain(self.experiment) if "recipe" in self.info else None
        new = None if recipe is None else _plain(recipe)
        if old != new:
            changed = _different(old or {}, new or {})
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            raise RunError(
                f"{self.folder} was started with another recipe (they differ in {', '.join(changed[:3])}{more}): "
                "resume with the same settings, or choose another folder"
            )
        fingerprint = None if domain is None else domain.fingerprint
        if fingerprint != self.info.get("domain", {}).get("fingerprint"):
            raise RunError(
                f"the data of {self.folder} changed since it was started: resume with the same data directory"
            )


def _plain(recipe: Recipe | RuleRecipe) -> dict[str, Any]:
    """The recipe as JSON, without the results that others had with it."""
    return recipe.model_dump(mode="json", exclude={"results"})


def _different(old: dict[str, Any], new: dict[str, Any], above: str = "") -> list[str]:
    """The full keys in which two recipes differ."""
    found = []
    for key in new | old:
        before, now = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            found += _different(before, now, f"{above}{key}.")
        elif before != now:
            found.append(f"{above}{key}")
    return found


def _versions() -> dict[str, str]:
    found = {name: version(name) for name in ("fewsight", "torch", "numpy")}
    return found | {"python": platform.python_version()}
