"""FS-Mol's files: what is written in its form is read back, and what is not in its form is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fewsight import recipes
from fewsight.domains import Episodes, open_domain
from fewsight.domains.molecules.fsmol import read_assay
from fewsight.domains.molecules.smiles import parent
from fewsight.errors import DataError

ACTIVE, INACTIVE = ("CCO", "CCCO", "OCCC=C", "CCCCO", "CC(C)O"), ("CCN", "CCCN", "NCCC=C", "CCCCN", "CC(C)N", "CCCCCN")
LISTED = {"train": ["CHEMBL1", "CHEMBL2"], "valid": ["CHEMBL3"], "test": ["CHEMBL4"]}


def line(smiles: str, label: int) -> str:
    """One line with the fields that FS-Mol's have."""
    return json.dumps(
        {
            "SMILES": smiles,
            "Property": f"{label}.0",
            "Assay_ID": "CHEMBL1",
            "RegressionProperty": "5.1",
            "LogRegressionProperty": "5.1",
            "Relation": "=",
            "AssayType": "F",
            "fingerprints": [0, 1],
            "descriptors": [0.5],
            "graph": {"adjacency_lists": [[[0, 1]], [], []], "node_types": ["C", "O"], "node_features": [[1.0]]},
        }
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder, names in LISTED.items():
        (tmp_path / folder).mkdir()
        for name in names:
            with gzip.open(tmp_path / folder / f"{name}.jsonl.gz", "wt") as lines:
                lines.writelines(line(s, int(s in ACTIVE)) + "\n" for s in ACTIVE + INACTIVE)
    (tmp_path / "fsmol-0.1.json").write_text(json.dumps(LISTED))
    return tmp_path


@pytest.mark.parametrize("listed", [True, False])
def test_assays_are_read_back(root: Path, listed: bool) -> None:
    domain = open_domain("fsmol", path=str(root), tasks=str(root / "fsmol-0.1.json") if listed else None)
    assert {split: [task.name for task in tasks] for split, tasks in domain.tasks.items()} == {
        "train": ["CHEMBL1", "CHEMBL2"],
        "val": ["CHEMBL3"],
        "test": ["CHEMBL4"],
    }
    for task in domain.tasks["train"]:
        found = {domain.smiles[place]: int(y) for place, y in zip(task.x, task.y, strict=True)}
        assert found == {parent(smiles).smiles: int(smiles in ACTIVE) for smiles in ACTIVE + INACTIVE}
    assert len(domain.library) == len(ACTIVE + INACTIVE)  # assays share their molecules


def test_the_recipe_reads_a_folder_and_the_protocol_is_said(root: Path) -> None:
    recipe = recipes.load("fsmol-protonet", [f"path={root}"])
    domain = open_domain(recipe.domain.name, **recipe.domain.settings)
    assert set(domain.splits) == {"train", "val", "test"}
    assert domain.notes[0].startswith("protocol of FS-Mol: only the test assays are new")


def test_a_support_has_the_assays_proportions_or_is_balanced(root: Path) -> None:
    def counts(**settings: bool) -> set[tuple[int, ...]]:
        family = open_domain("fsmol", path=str(root), **settings).family("train", ways=2, shots=3, queries=5)
        return {tuple(task.support.y.bincount().tolist()) for task in Episodes(family, 0, "train").batch(0, 30)}

    assert counts(split_supports=True) == {(3, 3)}
    assert len(counts()) > 1
    assert all(sum(of) == 6 and min(of) >= 1 for of in counts())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b""), "holds no molecules"),
        (b"hello", "not a file of FS-Mol"),
        (gzip.compress(b"{"), "not a file of FS-Mol"),
        (gzip.compress(b"\xff\xfe"), "not a file of FS-Mol"),
        (gzip.compress(b'{"SMILES": "CCO"}'), "line 1"),
        (gzip.compress(b'{"SMILES": "CCO", "Property": "3"}'), "line 1"),
        (gzip.compress(b'{"SMILES": "CCO", "Property": [1]}'), "line 1"),
        (gzip.compress(b"[1]"), "line 1"),
        (gzip.compress(b"x" * 1000)[:-9], "not a file of FS-Mol"),
        (None, "there is no assay"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "CHEMBL1.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        read_assay(path)
    assert "\n" not in str(error.value)


def test_bad_folders_and_lists_are_one_clear_line(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder 'train'"):
        open_domain("fsmol", path=str(root / "train"))
    (root / "list.json").write_text('{"train": []}')
    with pytest.raises(DataError, match="fsmol-0"):
        open_domain("fsmol", path=str(root), tasks=str(root / "list.json"))
    (root / "list.json").write_text(json.dumps(LISTED | {"test": ["CHEMBL9"]}))
    with pytest.raises(DataError, match="CHEMBL9"):
        open_domain("fsmol", path=str(root), tasks=str(root / "list.json"))


def test_folders_without_assays_are_said(tmp_path: Path) -> None:
    for folder in LISTED:
        (tmp_path / folder).mkdir()
    with pytest.raises(DataError, match="holds no assays"):
        open_domain("fsmol", path=str(tmp_path))
