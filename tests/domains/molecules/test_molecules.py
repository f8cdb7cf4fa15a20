"""People's own molecules: what is said about them, tables of them, and bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from drugs import DRUGS

from fewsight import tree
from fewsight.domains import read_format
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.errors import DataError

FORM = MoleculeFormat(atoms=16)


def test_examples_have_the_shape_that_is_said() -> None:
    found = FORM.encode(list(DRUGS.values()), list(DRUGS))
    assert {name: tuple(leaf.shape[1:]) for name, leaf in found.x.items()} == FORM.shape
    assert tree.length(found.x) == len(found.names) == len(found.views) == len(DRUGS)
    assert found.notes == ()
    assert [len(view.parts) for view in found.views] == found.x["size"].tolist()


def test_a_molecule_does_not_depend_on_its_company() -> None:
    together = FORM.encode(list(DRUGS.values()), list(DRUGS)).x
    for i, smiles in enumerate(DRUGS.values()):
        alone = FORM.encode([smiles], ["it"]).x
        assert all(torch.equal(a, b[i : i + 1]) for a, b in zip(tree.leaves(alone), tree.leaves(together), strict=True))


def test_what_was_done_is_said() -> None:
    found = FORM.encode(["CC(=O)[O-].[Na+]", "CC(=O)O", "C" * 20], ["row 2", "row 3", "row 4"])
    assert found.notes == (
        "row 2: its largest fragment was taken and it was made neutral",
        "row 4 has 20 atoms: the model sees the first 16",
        "row 3 is the same molecule as row 2",
    )
    assert len(found.views[2].parts) == 16


def test_the_format_survives_its_record() -> None:
    assert read_format({"kind": FORM.kind} | FORM.to_json()) == FORM


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_table_with_labels_is_a_support_set(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", "name,SMILES,activity\na,CCO,toxic\nb,CCN,harmless\nc,CCCl,toxic\n")
    support, found = FORM.read_support(path)
    assert support.labels == ("toxic", "harmless")
    assert support.y.tolist() == [0, 1, 0]
    assert found.names == ("row 2: CCO", "row 3: CCN", "row 4: CCCl")
    assert tree.length(FORM.read_query(path).x) == 3


def test_values_make_a_regression(tmp_path: Path) -> None:
    support, _ = FORM.read_support(table(tmp_path / "mine.csv", "smiles,value\nCCO,1.5\nCCN,2\n"))
    assert support.ways is None
    assert support.y.tolist() == [[1.5], [2.0]]


def test_a_smiles_is_a_query() -> None:
    found = FORM.read_query(Path("CC(=O)OC"))
    assert found.names == ("CC(=O)OC",)
    assert found.x["size"].tolist() == [5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smiles,label\nCCO,a\n,b\n", "row 3 has no SMILES"),
        ("smiles,label\nCCO ethanol,a\nCC,b\n", "row 2.*alone"),
        ("smiles,label\nC1CC,a\nCC,b\n", "row 2.*not a molecule"),
        ("smiles,label\nCCO,a\nCC,\n", "row 3.*label is missing"),
        ("smiles\nCCO\n", "no column of labels"),
        ("text,label\nCCO,a\n", "smiles"),
    ],
)
def test_bad_tables_are_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        FORM.read_support(table(tmp_path / "bad.csv", text))
    assert "\n" not in str(error.value)


def test_queries_unlike_the_support_are_doubted() -> None:
    support = FORM.encode(["CCO", "CCCO"], ["a", "b"])
    queries = FORM.encode(["CCCCO", "c1ccc2[nH]ccc2c1"], ["near", "far"])
    (doubt,) = FORM.doubts(support, queries)
    assert doubt.startswith("far: This molecule is unlike all of the support")
