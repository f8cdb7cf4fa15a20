"""Every variant is a real molecule that differs from the query in one substituent, which a donor really has."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from drugs import DRUGS
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from fewsight import tree
from fewsight.domains import offers
from fewsight.domains.molecules.applicability import applicability
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.molecules.matched_pairs import MOST, substituents
from fewsight.domains.molecules.smiles import parent
from fewsight.domains.texts.format import TextFormat
from fewsight.errors import DataError
from fewsight.variants import Variant, Variants

FORM = MoleculeFormat(atoms=32)
MANY = [
    *DRUGS.values(),
    "C[C@H](N)C(=O)O",
    "FC(F)(F)c1ccncc1",
    "C[N+](C)(C)CCO",
    "F/C=C/Cl",
    "N#CC1CC1Br",
    "CS(C)(=O)=O",
]


def variants(query: str, *donors: str, form: MoleculeFormat = FORM) -> Variants:
    support = form.encode(list(donors), [f"donor {i}" for i in range(len(donors))])
    made = offers(form, form.encode([query], ["query"]), support)
    assert made is not None
    return made(range(len(donors)))


def heavy(smiles: str) -> list[int]:
    return [atom.GetAtomicNum() for atom in Chem.MolFromSmiles(smiles).GetAtoms()]


def only(found: Variants, text: str) -> Variant:
    return next(each for each in found.known if each.text == text)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(MANY), st.lists(st.sampled_from(MANY), min_size=1, max_size=3))
def test_every_variant_is_another_molecule_and_the_books_balance(query: str, donors: list[str]) -> None:
    found, own = variants(query, *donors), parent(query)
    assert 0 < len(found.known) <= found.tried
    assert tree.length(found.x) == len(found.known)
    assert [each.size for each in found.known] == sorted(each.size for each in found.known)
    keys = set()
    for each in found.known:
        mol = Chem.MolFromSmiles(each.text)
        assert Chem.SanitizeMol(mol) == Chem.SANITIZE_NONE
        keys.add(Chem.MolToInchiKey(mol))
        assert 2 * len(each.taken) <= own.mol.GetNumAtoms()
        # What stays is the same atoms, and what comes stands where it is said to stand.
        atoms, before = heavy(each.text), heavy(query)
        stayed = sorted(np.delete(before, list(each.taken)))
        assert sorted(np.delete(atoms, list(each.put))) == stayed
        gone, come = each.change.split(" → ")
        assert len(each.put) == (0 if come == "–H" else heavy_of(come))
        assert len(each.taken) == (0 if gone == "–H" else heavy_of(gone))
    assert len(keys) == len(found.known)
    assert own.key not in keys


def heavy_of(name: str) -> int:
    """Heavy atoms of a substituent, by RDKit."""
    return len(heavy("*" + name.removeprefix("–"))) - 1


def test_what_comes_is_in_its_donor() -> None:
    donors = (DRUGS["nitrobenzene"], DRUGS["sulfanilamide"])
    found = variants("CCc1ccccc1Cl", *donors)
    named = {each.change.split(" → ")[1]: each.donor for each in found.known}
    assert named["–[N+](=O)[O-]"] == 0
    assert named["–S(N)(=O)=O"] == named["–N"] == 1
    assert named["–H"] is named["–CC"] is None  # hydrogen needs no donor, and the query has an ethyl of its own
    for name, donor in named.items():
        if donor is not None:
            pattern = Chem.MolFromSmarts("*" + name.removeprefix("–"))
            assert Chem.MolFromSmiles(donors[donor]).HasSubstructMatch(pattern)


def test_a_variant_by_hand() -> None:
    """Chlorobenzene and ethanol: chlorine goes, or a hydrogen of the ring; hydroxyl, methyl or hydroxymethyl come."""
    found = variants("Clc1ccccc1", "CCO")
    assert {each.text for each in found.known if each.taken} == {"c1ccccc1", "Cc1ccccc1", "Oc1ccccc1"}
    assert only(found, "c1ccccc1") == Variant("c1ccccc1", "–Cl → –H", (0,), (), None, pytest.approx(0.3, abs=0.2))
    phenol = only(found, "Oc1ccccc1")
    assert (phenol.change, phenol.taken, phenol.put, phenol.donor, phenol.size) == ("–Cl → –O", (0,), (0,), 0, 2)
    # Hydrogens in three places of the ring; methyl, hydroxyl, and the query's own chlorine.
    assert sum(not each.taken for each in found.known) == 9
    assert (found.tried, found.left) == (12, 0)


def test_the_model_sees_what_it_would_see_were_the_variant_brought_by_a_person() -> None:
    found = variants(DRUGS["aspirin"], DRUGS["sulfanilamide"], DRUGS["nitrobenzene"])
    texts = [each.text for each in found.known]
    brought = FORM.encode(texts, texts)
    assert not brought.notes
    for mine, theirs in zip(tree.leaves(found.x), tree.leaves(brought.x), strict=True):
        assert torch.equal(mine, theirs)
    for each in found.known[:10]:
        assert applicability(each.text, [DRUGS["aspirin"]]).support == pytest.approx(each.likeness)


def test_a_lost_centre_is_no_centre_any_more() -> None:
    found = variants("C[C@H](N)C(=O)O", "CCO")
    assert only(found, "CCC(=O)O").change == "–N → –H"
    assert all(text.count("@") == Chem.MolToSmiles(Chem.MolFromSmiles(text)).count("@") for text in texts_of(found))


def texts_of(found: Variants) -> list[str]:
    return [each.text for each in found.known]


def test_equivalent_places_count_once() -> None:
    assert len(substituents(Chem.MolFromSmiles("c1ccccc1"))) == 1
    assert {part.name for part in substituents(Chem.MolFromSmiles("Cc1ccc(C)cc1"))} == {"–H", "–C"}
    for smiles in MANY:
        for part in substituents(Chem.MolFromSmiles(smiles)):
            assert part.rest.GetNumAtoms() + part.part.GetNumAtoms() == _with_hydrogens(smiles) + 2


def _with_hydrogens(smiles: str) -> int:
    return Chem.AddHs(Chem.MolFromSmiles(smiles)).GetNumAtoms()


def test_the_smallest_come_first_and_what_is_left_is_counted() -> None:
    found = variants(
        "CCCC(Cl)CC(Br)CCC(O)CC(N)CCCF", *DRUGS.values(), "CCCCCCCC(=O)OC", "c1ccc2[nH]ccc2c1CCN", "OCC(F)(F)CCCl"
    )
    assert len(found.known) == MOST
    assert found.left > 0
    assert all(a.size <= b.size for a, b in pairwise(found.known))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("NC(N)=O", "no acyclic single bond at a carbon"),
        ("O=C=O", "no acyclic single bond at a carbon"),
        ("C" * 40, "has 40 atoms, of which the model sees 32"),
    ],
)
def test_what_has_no_pairs_says_so_in_one_line(query: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        variants(query, "CCO")
    assert "\n" not in str(error.value)


def test_no_variant_outgrows_what_the_model_sees() -> None:
    small = MoleculeFormat(atoms=7)
    found = variants("Clc1ccccc1", "CCO", DRUGS["nitrobenzene"], form=small)
    assert max(len(heavy(each.text)) for each in found.known) == 7


def test_other_formats_offer_none() -> None:
    assert offers(TextFormat(), None, None) is None  # type: ignore[arg-type]
    assert offers(None, None, None) is None  # type: ignore[arg-type]
