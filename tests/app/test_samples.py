"""The task that a person finds at the start: of assays, molecules of a test assay, as people write them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from fewsight import tree
from fewsight.app.sample import Samples
from fewsight.domains import open_domain


def test_molecules_of_an_assay_are_what_the_model_sees_with_the_labels_measured(data_dir: Path) -> None:
    domain: Any = open_domain("tox21", data_dir)
    recipe = SimpleNamespace(test=SimpleNamespace(ways=2))
    run: Any = SimpleNamespace(format=domain.format, domain=lambda: domain, recipe=recipe)
    sample = Samples(run)[3]
    assert {label for _, label in sample.support} == {label for _, label in sample.queries} == {"active", "inactive"}
    place = {smiles: i for i, smiles in enumerate(domain.smiles)}
    given = [*sample.support, *sample.queries]
    assert len({smiles for smiles, _ in given}) == len(given)
    seen = domain.format.encode([smiles for smiles, _ in given], [str(i) for i in range(len(given))]).x
    kept = domain.library.take(torch.tensor([place[smiles] for smiles, _ in given]))
    for mine, its in zip(tree.leaves(seen), tree.leaves(kept), strict=True):
        torch.testing.assert_close(mine, its)
    assays = [
        {domain.smiles[at]: y for at, y in zip(task.x.tolist(), task.y.tolist(), strict=True)}
        for task in domain.tasks["test"]
    ]
    assert any(all(known.get(smiles) == (label == "active") for smiles, label in given) for known in assays)
