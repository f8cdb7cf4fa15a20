"""Atoms add up to RDKit's own fingerprints and descriptors, and a library gives back what was put in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drugs import DRUGS
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from fewsight import tree
from fewsight.domains.molecules.atoms import CONTRIBUTIONS, FEATURES, KINDS, RINGS, SCALES, Library
from fewsight.networks.molecules import folded, summed

MOLECULES = [Chem.MolFromSmiles(smiles) for smiles in DRUGS.values()]
LIBRARY = Library.of(MOLECULES, length=16, radius=2)
EVERY = LIBRARY.take(torch.arange(len(MOLECULES)))


@pytest.mark.parametrize("radius", [0, 1, 2, 3])
def test_environments_are_those_of_rdkits_morgan_fingerprint(radius: int) -> None:
    x = Library.of(MOLECULES, 16, radius).take(torch.arange(len(MOLECULES)))
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=512)
    expected = np.stack([generator.GetCountFingerprintAsNumPy(mol) for mol in MOLECULES])
    np.testing.assert_allclose(folded(x, 512).numpy(), expected, atol=1e-5)


def test_contributions_add_up_to_rdkits_descriptors() -> None:
    total = summed(EVERY).double().numpy()
    first = sum(KINDS) + len(RINGS)
    found = dict(zip(CONTRIBUTIONS, (total[:, first : first + len(CONTRIBUTIONS)] / SCALES).T, strict=True))
    heavy = np.array([rdMolDescriptors.CalcCrippenDescriptors(mol, includeHs=False) for mol in MOLECULES])
    np.testing.assert_allclose(found["logP"], heavy[:, 0], atol=1e-4)
    np.testing.assert_allclose(found["molar refractivity"], heavy[:, 1], atol=1e-3)
    np.testing.assert_allclose(found["polar surface"], [rdMolDescriptors.CalcTPSA(mol) for mol in MOLECULES], atol=1e-3)


def test_nodes_say_what_atoms_are() -> None:
    ethanol = list(DRUGS).index("ethanol")
    nodes, size = EVERY["nodes"][ethanol], int(EVERY["size"][ethanol])
    assert (size, nodes.shape) == (3, (16, FEATURES))
    assert nodes[:3, :3].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert not nodes[3:].any()
    assert (nodes[:3, : sum(KINDS)].sum(1) == len(KINDS)).all()


def test_edges_are_bonds() -> None:
    edges = EVERY["edges"][list(DRUGS).index("aspirin")].long()
    assert (edges == edges.T).all()
    assert (edges > 0).sum() == 2 * MOLECULES[0].GetNumBonds()
    assert (edges[0, 1], edges[1, 2], edges[4, 5], edges[0, 2]) == (1, 2, 4, 0)


def test_molecules_are_the_same_alone_in_any_order_and_after_keeping() -> None:
    order = torch.tensor([5, 2, 2, 7])
    again = Library.from_tensors(16, LIBRARY.tensors()).take(order)
    for mine, theirs in zip(tree.leaves(again), tree.leaves(tree.take(EVERY, order)), strict=True):
        assert torch.equal(mine, theirs)
    assert Library.from_tensors(16, LIBRARY.tensors()).digest() == LIBRARY.digest()
    assert Library.of(MOLECULES[::-1], 16, 2).digest() != LIBRARY.digest()


def test_what_does_not_fit_is_cut_off_with_its_bonds() -> None:
    x = Library.of([Chem.MolFromSmiles("C" * 30)], 16, 2).take(torch.tensor([0]))
    assert x["size"].tolist() == [16]
    assert x["mask"].sum() == 16
    assert (x["edges"] > 0).sum() == 30


def test_elements_without_parameters_give_finite_numbers() -> None:
    x = Library.of([Chem.MolFromSmiles(s) for s in ("[U]", "C[Hg]C", "[As](=O)O", "[H][H]")], 16, 2).take(
        torch.arange(4)
    )
    assert torch.isfinite(x["nodes"]).all()
