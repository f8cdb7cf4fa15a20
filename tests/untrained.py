"""Runs whose models were not trained, for tests that need a run of some kind of input and no knowledge in it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fewsight import recipes
from fewsight.domains import Format, RowFormat
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.rows.schema import Column
from fewsight.domains.texts.format import TextFormat
from fewsight.training import Run

COLUMNS = (
    Column("age", centre=50, scale=10),
    Column("pain", "category", ("none", "some", "much")),
    Column("pulse", centre=80),
)


def untrained(folder: Path, form: Format, network: dict[str, Any], learner: str, outputs: int | None = None) -> Path:
    """A run on a domain of which only the format matters."""
    shape = {"ways": 2, "shots": 1, "queries": 1}
    parts = {
        "domain": {"name": "folder", "path": "gone"},
        "network": network,
        "learner": {"name": learner},
        "train": shape,
    }
    recipe = recipes.parse({"name": folder.name, "about": "", "test": shape, "training": {"steps": 1}} | parts, "test")
    domain: Any = SimpleNamespace(
        name=folder.name, fingerprint="", outputs=outputs, input_shape=form.shape, format=form
    )
    made = Run.create(folder, recipe=recipe, domain=domain)
    made.save_best(recipes.build(recipe, domain).state_dict(), step=1, score=0.0)
    return folder


def untrained_runs(folder: Path) -> dict[str, Path]:
    """Runs by name: texts, molecules, rows, values (rows, regression), any (rows of any columns)."""
    text = {"name": "text", "buckets": 4096, "usage": 16, "spelling": 32, "hidden": 16}
    rows, mlp = RowFormat(COLUMNS, code=4), {"name": "row-mlp", "hidden": [16], "activation": "tanh"}
    graph = {"name": "fingerprint", "bits": 256, "widths": [16]}
    return {
        "texts": untrained(folder / "texts", TextFormat(), text, "protonet"),
        "molecules": untrained(folder / "molecules", MoleculeFormat(16), graph, "protonet"),
        "rows": untrained(folder / "rows", rows, mlp, "protonet"),
        "values": untrained(folder / "values", rows, mlp, "ridge", 1),
        "any": untrained(folder / "any", RowFormat(slots=6, code=4), {"name": "row-set"}, "protonet"),
    }
