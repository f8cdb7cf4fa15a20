"""What comes twice in a person's table is merged before a support is drawn, and labels that contradict are left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fewsight.domains import Columns
from fewsight.domains.domain import ClassDomain, GivenDomain
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.tables.own import own_domain
from fewsight.domains.tables.repeats import merged
from fewsight.domains.texts.format import TextFormat

ALL = (1.0, 0.0, 0.0)


def test_within_a_scope_equal_labels_are_merged_and_others_left_out() -> None:
    kept, said = merged("tttttu", ["a", "a", "b", "b", "c", "b"], list("xxxyyx"), None)
    assert kept == {0: "x", 4: "y", 5: "x"}
    assert said == (
        "1 rows repeat an input and were merged with it",
        "2 rows were left out: the same input with different labels",
    )


def test_of_values_the_mean_is_taken() -> None:
    kept, said = merged("ttt", "aab", [1, 3, 5], [1.0, 3.0, 5.0])
    assert kept == {0: 2.0, 2: 5.0}
    assert said == ("1 rows repeat an input and were merged with it (of their values the mean was taken)",)


def test_a_table_without_repeats_stays_as_it_is() -> None:
    assert merged("tt", "ab", ["x", "y"], None) == ({0: "x", 1: "y"}, ())


def test_molecules_are_known_however_they_are_written(tmp_path: Path) -> None:
    pytest.importorskip("rdkit")
    path = tmp_path / "t.csv"
    rows = ["CCO,a", "OCC,i", "CCN,a", "NCC,a", "[Na+].CC(=O)[O-],i", "CC(=O)O,i", "CCCC,i"]
    path.write_text("\n".join(["smiles,label,task", *(f"{row},t" for row in rows)]))
    domain = own_domain("mine", MoleculeFormat(), path, Columns(), ALL)
    assert isinstance(domain, GivenDomain)
    (task,) = domain.tasks["train"]
    assert task.classes == ("a", "i")
    assert task.y.tolist() == [0, 1, 1]
    assert task.x["size"].tolist() == [3, 4, 4]
    assert domain.notes[-2:] == merged("tt" * 2 + "uu", "aabbcc", "xyxxxx", None)[1]
    path.write_text(path.read_text().replace(",a,", ",1.5,").replace(",i,", ",2,").replace("label", "value"))
    (task,) = own_domain("mine", MoleculeFormat(), path, Columns(), ALL).tasks["train"]  # type: ignore[union-attr]
    assert torch.equal(task.y, torch.tensor([[1.75], [1.5], [2.0], [2.0]]))


def test_a_text_in_two_classes_is_of_neither(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    texts = ["where is it,x", "Where is it?,y", "hello,x", "hello,x", "bye,x", "no,y", "yes,y"]
    path.write_text("\n".join(["text,label", *texts]))
    domain = own_domain("mine", TextFormat(), path, Columns(), ALL)
    assert isinstance(domain, ClassDomain)
    assert [len(inputs["size"]) for inputs in domain.classes["train"].inputs] == [2, 2]
    assert "column 'text' was taken for the input" in domain.notes
