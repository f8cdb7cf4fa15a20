"""Which SMILES are read, which are the same molecule, and what bad ones end in."""

from __future__ import annotations

import pytest
from drugs import DRUGS
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from fewsight.domains.molecules.smiles import LONGEST, deduplicated, parent, scaffold
from fewsight.errors import DataError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CC(=O)[O-].[Na+]", "CC(=O)O"),
        ("C[NH3+].[Cl-]", "CN"),
        ("OCC", "CCO"),
        ("c1ccccc1", "C1=CC=CC=C1"),
        ("CC(=O)Oc1ccccc1C(=O)O.O", "CC(=O)Oc1ccccc1C(=O)O"),
        ("CN(=O)=O", "C[N+](=O)[O-]"),
        ("  CCO ", "CCO"),
    ],
)
def test_the_same_parent(one: str, other: str) -> None:
    assert parent(one).key == parent(other).key


@pytest.mark.parametrize(("one", "other"), [("CCO", "CCN"), ("C[C@H](N)O", "C[C@@H](N)O"), ("CC", "C=C")])
def test_other_molecules_have_other_keys(one: str, other: str) -> None:
    assert parent(one).key != parent(other).key


def test_keys_are_inchikeys() -> None:
    assert parent(DRUGS["aspirin"]).key == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
    assert parent(DRUGS["caffeine"] + ".Cl").key == "RYYVLZVUVIJVGH-UHFFFAOYSA-N"


def test_what_was_changed_is_said() -> None:
    assert parent("CCO").changed == ""
    assert parent("CC(=O)[O-].[Na+]").changed == "its largest fragment was taken and it was made neutral"
    assert parent("CCO.O").changed == "its largest fragment was taken"


def test_atoms_keep_the_order_in_which_they_were_written() -> None:
    assert [atom.GetSymbol() for atom in parent("OCC").mol.GetAtoms()] == ["O", "C", "C"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("", "has no SMILES"),
        ("   ", "has no SMILES"),
        (None, "has no SMILES"),
        (float("nan"), "has no SMILES"),
        ("CCO ethanol", "give 'CCO' alone"),
        ("CCO |c:1|", "holds more than a SMILES"),
        ("C1CC", "not a molecule"),
        ("C(C)(C)(C)(C)C", "not a molecule"),
        ("c1cccc1", "not a molecule"),
        ("hello", "not a molecule"),
        ("*CC", "not named"),
        ("[SbH6+3]", "no molecule when neutral"),
        ("C" * (LONGEST + 1), "characters"),
    ],
)
def test_bad_input_is_one_clear_line_and_rdkit_is_silent(
    bad: object, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=said) as error:
        parent(bad, "row 7")
    assert str(error.value).startswith("row 7")
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_deduplicated_merges_repeats_and_drops_contradictions() -> None:
    smiles = ["CCO", "OCC", "CCN", "oops", "CC(=O)[O-].[Na+]", "CC(=O)O"]
    labels = [[1, 0], [1, 1], [0, None], [1, 1], [None, 1], [0, 1]]
    parents, kept, counts = deduplicated(smiles, labels, lambda found: found)
    assert [found.smiles for found in parents] == ["CCO", "CCN", "CC(=O)O"]
    assert kept == [[1, None], [0, None], [0, 1]]
    assert counts == (1, 1, 2, 1)
    assert [note.split()[0] for note in counts.notes] == ["1", "of", "2", "1"]
    assert deduplicated(["CCO"], [[1]], str)[2].notes == ()


def test_scaffolds_are_rings_and_what_links_them() -> None:
    assert scaffold(Chem.MolFromSmiles(DRUGS["ibuprofen"])) == "c1ccccc1"
    assert scaffold(Chem.MolFromSmiles("CCOc1ccc(CCc2ccncc2)cc1")) == "c1ccc(CCc2ccncc2)cc1"
    assert scaffold(Chem.MolFromSmiles("CCO")) == ""


@settings(max_examples=600, derandomize=True, deadline=None)
@given(
    st.sampled_from(sorted(DRUGS.values())),
    st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from(sorted("CNOSPclnos()[]=#123%+-@/\\.*H%$ é\x00"))), max_size=4
    ),
)
def test_altered_smiles_end_in_a_molecule_or_a_clear_error(smiles: str, edits: list[tuple[int, str]]) -> None:
    for place, character in edits:
        smiles = smiles[: place % len(smiles)] + character + smiles[place % len(smiles) + place % 2 :]
    try:
        found = parent(smiles)
    except DataError as error:
        said = str(error)
        assert "\n" not in said
    else:
        assert found.mol.GetNumAtoms() > 0
        assert parent(found.smiles).key == found.key
