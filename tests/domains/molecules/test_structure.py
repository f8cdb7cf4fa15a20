"""A structural formula is inert, has an atom for each of its parts, and is shaded where it is told to be."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor

from fewsight.domains.molecules.structure import AGAINST, FOR, Structure
from fewsight.report.palette import LIGHT, rgb

ASPIRIN = Structure(Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"), "aspirin")
RING = (4, 5, 6, 7, 8, 9)


def _structure(smiles: str) -> Structure:
    return Structure(Chem.MolFromSmiles(smiles))


def test_colours_are_the_pages() -> None:
    assert (rgb(LIGHT["for"]), rgb(LIGHT["against"])) == (FOR, AGAINST)


def test_parts_are_heavy_atoms_in_order() -> None:
    assert len(ASPIRIN.parts) == 13
    assert ASPIRIN.parts[:5] == ("C1", "C2", "O3", "O4", "C5 (ring)")
    assert len(Structure(ASPIRIN.mol, atoms=4).parts) == 4


def test_text_says_name_and_smiles() -> None:
    assert ASPIRIN.text == "aspirin: CC(=O)Oc1ccccc1C(=O)O"
    assert Structure(ASPIRIN.mol).text == "CC(=O)Oc1ccccc1C(=O)O"


@pytest.mark.parametrize("name", ["aspirin", '<script>alert("x")</script>', "a & b' onload='x"])
@pytest.mark.parametrize("smiles", ["CCO", "[Na+]", "C[N+](C)(C)C", "[2H]C([2H])Cl", "C[C@H](N)C(=O)O", "c1ccccc1"])
def test_drawings_are_well_formed_and_inert(smiles: str, name: str) -> None:
    view = Structure(Chem.MolFromSmiles(smiles), name)
    for drawn, height in ((view.small(), 72), (view.large(), 256), (view.shaded(np.ones(9)), 256)):
        root = ElementTree.fromstring(drawn)
        assert int(root.get("height", "")) <= height
        assert {element.tag for element in root.iter()} <= {"svg", "title", "rect", "path", "ellipse", "polygon"}
        names = {key for element in root.iter() for key in element.attrib}
        assert sum("style" in element.attrib for element in root.iter()) == 1  # it fits where it is put
        assert not names & {"id", "href", "onload", "xmlns"}
        assert root.findtext("title") == view.text


def _ellipses(drawn: str) -> list[str]:
    return re.findall(r'<ellipse [^>]*fill="(#\w+)"', drawn)


def test_atoms_are_shaded_by_sign_and_size() -> None:
    shares = np.zeros(13)
    assert _ellipses(ASPIRIN.shaded(shares)) == []
    shares[[2, 7, 11]] = 1, -1, 0.2
    strong_for, strong_against, weak_for = map(rgb, _ellipses(ASPIRIN.shaded(shares)))
    assert strong_for[2] > strong_for[0]
    assert strong_against[0] > strong_against[2]
    assert weak_for[2] > weak_for[0]
    assert sum(weak_for) > sum(strong_for)


def _points(view: Structure, atoms: tuple[int, ...]) -> np.ndarray:
    return view.mol.GetConformer().GetPositions()[list(atoms)]


def test_what_two_molecules_share_is_found_in_both_and_laid_out_alike() -> None:
    query, other = _structure("CC(=O)Oc1ccccc1C(=O)O"), _structure("COC(=O)c1cc(Cl)ccc1NC(C)=O")
    found = query.overlap(other)
    assert found.whole
    assert Chem.CanonSmiles(found.text) == Chem.CanonSmiles("OC(=O)c1ccccc1")
    for first, second in zip(found.first, found.second, strict=True):
        assert query.mol.GetAtomWithIdx(first).GetAtomicNum() == other.mol.GetAtomWithIdx(second).GetAtomicNum()
    assert isinstance(found.other, Structure)
    assert found.other.text == other.text
    rdDepictor.Compute2DCoords(query.mol)
    assert _points(query, found.first) == pytest.approx(_points(found.other, found.second), abs=1e-6)


@pytest.mark.parametrize("smiles", ["CCO", "FC(F)(F)F", "[Na+]"])
def test_an_atom_or_two_in_common_are_not_worth_speaking_of(smiles: str) -> None:
    found = _structure("Clc1ccccc1").overlap(_structure(smiles))
    assert (found.first, found.second, found.text) == ((), (), "")


def test_atoms_that_the_model_does_not_see_are_not_shared() -> None:
    whole, cut = _structure("Oc1ccccc1"), Structure(Chem.MolFromSmiles("Oc1ccccc1"), atoms=5)
    assert len(whole.overlap(whole).first) == 7
    assert set(cut.overlap(cut).first) == set(range(5))


def test_a_band_lies_under_shared_atoms_and_their_bonds_and_shades_upon_it() -> None:
    shares = np.zeros(13)
    shares[4] = 1
    plain, banded, shaded = (
        _ellipses(ASPIRIN.marked(parts, s)) for parts, s in (((), shares), (RING, 0 * shares), (RING, shares))
    )
    assert len(plain) == 1
    assert len(banded) == len(RING)
    assert len(set(banded)) == 1
    assert sorted(shaded) == sorted([*banded[1:], *plain])
    (grey,) = map(rgb, set(banded))
    assert len(set(grey)) == 1
    assert ASPIRIN.marked(RING, 0 * shares).count(f'fill="{banded[0]}"') > len(RING)
