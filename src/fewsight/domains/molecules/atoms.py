"""How does a molecule become numbers, atom by atom? Kinds, contributions, bonds, and the environments around it.

Everything a model sees belongs to atoms: whole-molecule descriptors enter as what each atom adds to them, fingerprints
as the environments of each atom. So hiding an atom hides all that depends on it, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fewsight.domains.molecules.smiles import quiet
from fewsight.tree import Tree

ELEMENTS = (6, 7, 8, 16, 9, 17, 35, 53, 15, 5, 14)
"""Atomic numbers with a column of their own; others share the last."""
KINDS = (len(ELEMENTS) + 1, 5, 4, 3, 2, 2, 4)
"""Columns for: element, bonds to heavy atoms (0-4+), hydrogens (0-3+), charge (0, +, -), aromatic, chiral, and
hybridisation (sp3, sp2, sp, other)."""
RINGS = (3, 4, 5, 6)
CONTRIBUTIONS = ("logP", "molar refractivity", "polar surface", "surface", "charge")
"""What each atom adds to Crippen's logP and molar refractivity, to the topological polar surface and Labute's surface
(square angstrom), hydrogens left out, and its partial charge by Gasteiger (electrons); times `SCALES`."""
SCALES = np.array([4.0, 0.1, 0.05, 0.1, 1.0])
BINS = {
    0: (-0.4, -0.2, 0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    4: (-0.3, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.25),
}
"""By contribution (logP, charge): limits between which an atom's surface is counted, as in RDKit's VSA descriptors."""
FEATURES = sum(KINDS) + len(RINGS) + len(CONTRIBUTIONS) + sum(len(limits) + 1 for limits in BINS.values())
BONDS = {"SINGLE": 1, "DOUBLE": 2, "TRIPLE": 3, "AROMATIC": 4}
"""Codes of bonds in `edges`; others count as single."""
NOTHING = -1
"""The id where an atom has no environment of that radius (another one covers the same bonds)."""


class Atoms(NamedTuple):
    """One molecule in numbers; fields as in `Library`."""

    kinds: np.ndarray
    rings: np.ndarray
    contributions: np.ndarray
    environments: np.ndarray
    bonds: np.ndarray

    @classmethod
    def of(cls, mol: Any, length: int, radius: int) -> Atoms:
        """Its first `length` atoms, with environments up to `radius`."""
        from rdkit.Chem import rdMolDescriptors

        size = min(mol.GetNumAtoms(), length)
        info = mol.GetRingInfo()
        with quiet():
            logp, refractivity = np.array(rdMolDescriptors._CalcCrippenContribs(mol)[:size]).T
            polar = np.array(rdMolDescriptors._CalcTPSAContribs(mol, False, False)[:size])
            surface = np.array(list(rdMolDescriptors._CalcLabuteASAContribs(mol)[0])[:size])
            added = np.stack([logp, refractivity, polar, surface, _charges(mol)[:size]], 1) * SCALES
        bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx(), BONDS.get(b.GetBondType().name, 1)) for b in mol.GetBonds()]
        return cls(
            np.array([_kind(atom) for atom in list(mol.GetAtoms())[:size]], dtype=np.uint8),
            np.array([[info.IsAtomInRingOfSize(i, r) for r in RINGS] for i in range(size)], dtype=np.uint8),
            np.nan_to_num(added, posinf=0, neginf=0).astype(np.float32),
            environments(mol, radius)[:size],
            np.array([bond for bond in bonds if max(bond[:2]) < size], dtype=np.uint8).reshape(-1, 3),
        )


@dataclass(frozen=True, eq=False)
class Library:
    """Many molecules in little memory, atoms one after the other; `take` makes the model's inputs of some.

    Attributes:
        length: positions L of an input; further atoms are cut off.
        sizes: atoms of each molecule (at most L), `(n,)`.
        kinds: `(A, 7)` uint8, as in `KINDS`; rings `(A, 4)` uint8; contributions `(A, 5)` float32.
        environments: `(A, R + 1)` int64 ids.
        bonds: `(B, 3)` uint8: both atoms' positions and the code; bond_counts `(n,)`.
    """

    length: int
    sizes: Tensor
    kinds: Tensor
    rings: Tensor
    contributions: Tensor
    environments: Tensor
    bonds: Tensor
    bond_counts: Tensor

    @classmethod
    def of(cls, molecules: Iterable[Any], length: int, radius: int) -> Library:
        """From RDKit molecules."""
        return cls.gathered([Atoms.of(mol, length, radius) for mol in molecules], length)

    @classmethod
    def gathered(cls, found: Sequence[Atoms], length: int) -> Library:
        """From the atoms of one molecule or more."""
        kinds, rings, contributions, environments, bonds = zip(*found, strict=True)
        return cls(
            length,
            torch.tensor([len(of) for of in kinds]),
            torch.from_numpy(np.concatenate(kinds)),
            torch.from_numpy(np.concatenate(rings)),
            torch.from_numpy(np.concatenate(contributions)),
            torch.from_numpy(np.concatenate(environments)),
            torch.from_numpy(np.concatenate(bonds)),
            torch.tensor([len(of) for of in bonds]),
        )

    @classmethod
    def from_tensors(cls, length: int, tensors: dict[str, Tensor]) -> Library:
        return cls(length, **{name: tensors[name] for name in _TENSORS})

    def tensors(self) -> dict[str, Tensor]:
        """All of it but the length, to be kept."""
        return {name: getattr(self, name) for name in _TENSORS}

    def __len__(self) -> int:
        return len(self.sizes)

    def digest(self) -> bytes:
        digest = hashlib.sha256(str(self.length).encode())
        for tensor in self.tensors().values():
            digest.update(f"{tuple(tensor.shape)}\n".encode() + tensor.numpy().tobytes())
        return digest.digest()

    def take(self, index: Tensor) -> Tree:
        """Molecules `index` `(n,)` as inputs: nodes `(n, L, F)`, edges `(n, L, L)` uint8, environments `(n, L, R + 1)`
        int64, mask `(n, L)` and size `(n,)`."""
        count, (size, atom) = len(index), _ranges(self.sizes, index)
        mask = torch.arange(self.length) < size[:, None]
        nodes = torch.zeros(count, self.length, FEATURES)
        nodes[mask] = _features(self.kinds[atom], self.rings[atom], self.contributions[atom])
        environments = torch.full((count, self.length, self.environments.shape[1]), NOTHING)
        environments[mask] = self.environments[atom]
        edges = torch.zeros(count, self.length, self.length, dtype=torch.uint8)
        counts, bond = _ranges(self.bond_counts, index)
        first, second, code = self.bonds[bond].long().T
        where = torch.arange(count).repeat_interleave(counts)
        edges[where, first, second] = edges[where, second, first] = code.to(torch.uint8)
        return {"nodes": nodes, "edges": edges, "environments": environments, "mask": mask.float(), "size": size}


_TENSORS = ("sizes", "kinds", "rings", "contributions", "environments", "bonds", "bond_counts")


def _ranges(sizes: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Sizes of the chosen runs, and the positions of all their members, one run after the other."""
    size = sizes[index]
    start = (sizes.cumsum(0) - sizes)[index]
    before = size.cumsum(0) - size
    return size, (start - before).repeat_interleave(size) + torch.arange(int(size.sum()))


def _features(kinds: Tensor, rings: Tensor, contributions: Tensor) -> Tensor:
    """Rows `(A, F)` of the nodes."""
    columns = [torch.nn.functional.one_hot(kinds[:, i].long(), count).float() for i, count in enumerate(KINDS)] + [
        rings.float(),
        contributions,
    ]
    for which, limits in BINS.items():
        place = torch.bucketize(contributions[:, which] / float(SCALES[which]), torch.tensor(limits))
        columns.append(torch.nn.functional.one_hot(place, len(limits) + 1) * contributions[:, 3:4])
    return torch.cat(columns, 1)


def environments(mol: Any, radius: int) -> np.ndarray:
    """Morgan's identifiers (ECFP; Rogers and Hahn 2010) of radius 0..R around each atom, `(atoms, R + 1)` int64."""
    from rdkit.Chem import rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius)
    output = rdFingerprintGenerator.AdditionalOutput()
    output.CollectBitInfoMap()
    generator.GetSparseCountFingerprint(mol, additionalOutput=output)
    found = np.full((mol.GetNumAtoms(), radius + 1), NOTHING, dtype=np.int64)
    for identifier, places in output.GetBitInfoMap().items():
        for atom, around in places:
            found[atom, around] = identifier
    return found


def _kind(atom: Any) -> Sequence[int]:
    number, charge = atom.GetAtomicNum(), atom.GetFormalCharge()
    hybrid = {"SP3": 0, "SP2": 1, "SP": 2}.get(atom.GetHybridization().name, 3)
    return (
        ELEMENTS.index(number) if number in ELEMENTS else len(ELEMENTS),
        min(atom.GetDegree(), 4),
        min(atom.GetTotalNumHs(), 3),
        (charge > 0) + 2 * (charge < 0),
        atom.GetIsAromatic(),
        atom.GetChiralTag().name != "CHI_UNSPECIFIED",
        hybrid,
    )


def _charges(mol: Any) -> np.ndarray:
    """Gasteiger's; 0 where an element has no parameters."""
    from rdkit.Chem import rdPartialCharges

    rdPartialCharges.ComputeGasteigerCharges(mol)
    charges = [atom.GetDoubleProp("_GasteigerCharge") for atom in mol.GetAtoms()]
    return np.clip(np.nan_to_num(np.array(charges), posinf=0, neginf=0), -1, 1)
