"""A structural formula is inert, has an atom for each of its parts, and is shaded where it is told to be."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from rdkit import Chem

from fewsight.domains.molecules.structure import AGAINST, FOR, Structure
from fewsight.report.palette import LIGHT, rgb

ASPIRIN = Structure(Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"), "aspirin")


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


def test_shared_atoms_are_marked() -> None:
    assert len(_ellipses(ASPIRIN.marked((0, 1, 2)))) == 3
