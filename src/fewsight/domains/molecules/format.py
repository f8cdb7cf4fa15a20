"""How does a model see a molecule? As atoms with their kinds and bonds, and the substructures around each atom.

Raw inputs are SMILES. What a model is given is a tree over L positions, one for each atom:
`nodes` `(n, L, F)` what each atom is and contributes; `edges` `(n, L, L)` uint8 codes of bonds, 0 for none;
`environments` `(n, L, R + 1)` int64 identifiers of the substructures of radius 0..R centred there, -1 for none;
`mask` `(n, L)` and `size` `(n,)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch

from fewsight.domains.format import Examples
from fewsight.domains.molecules.applicability import FAR, Applicability, applicability
from fewsight.domains.molecules.atoms import FEATURES, Atoms, Library
from fewsight.domains.molecules.matched_pairs import matched_pairs
from fewsight.domains.molecules.smiles import key, parent
from fewsight.domains.molecules.structure import Structure
from fewsight.domains.tables.columns import ReadsTables
from fewsight.tree import Tree
from fewsight.variants import Offers, Variants


@dataclass(frozen=True)
class MoleculeFormat(ReadsTables):
    """A `Format` of at most `atoms` heavy atoms, with environments of radius 0 to `radius` (2: ECFP4)."""

    kind: ClassVar[str] = "molecules"
    atoms: int = 64
    radius: int = 2

    @property
    def shape(self) -> dict[str, tuple[int, ...]]:
        length = self.atoms
        return {
            "nodes": (length, FEATURES),
            "edges": (length, length),
            "environments": (length, self.radius + 1),
            "mask": (length,),
            "size": (),
        }

    def ready(self, stored: Tree) -> Tree:
        """As they are; a domain of many keeps a `Library`."""
        return stored

    def seen(self, mol: Any) -> Atoms:
        """What a model sees of an RDKit molecule."""
        return Atoms.of(mol, self.atoms, self.radius)

    def library(self, molecules: Sequence[Any]) -> Library:
        """RDKit molecules as a domain keeps them."""
        return Library.of(molecules, self.atoms, self.radius)

    def encode(self, raw: Sequence[Any], names: Sequence[str]) -> Examples:
        """SMILES as examples; each is standardised (see `smiles.parent`)."""
        parents = [parent(smiles, name) for smiles, name in zip(raw, names, strict=True)]
        notes = [f"{name}: {found.changed}" for found, name in zip(parents, names, strict=True) if found.changed]
        for found, name in zip(parents, names, strict=True):
            if (size := found.mol.GetNumAtoms()) > self.atoms:
                notes.append(f"{name} has {size} atoms: the model sees the first {self.atoms}")
        first: dict[str, str] = {}
        for found, name in zip(parents, names, strict=True):
            if (other := first.setdefault(found.key, name)) != name:
                notes.append(f"{name} is the same molecule as {other}")
        library = self.library([found.mol for found in parents])
        views = tuple(Structure(found.mol, name, self.atoms) for found, name in zip(parents, names, strict=True))
        return Examples(library.take(torch.arange(len(library))), tuple(names), views, tuple(notes))

    def offers(self, query: Examples, support: Examples) -> Offers:
        """Matched molecular pairs of the query with substituents of support molecules."""
        (own,), known = ([view.mol for view in of.views if isinstance(view, Structure)] for of in (query, support))

        def made(donors: Sequence[int]) -> Variants:
            found = matched_pairs(own, {donor: known[donor] for donor in donors}, self.atoms)
            library = self.library(found.molecules)
            return Variants(library.take(torch.arange(len(library))), found.known, found.tried, found.left)

        return made

    def keys(self, examples: Examples) -> list[str]:
        """InChIKeys."""
        return [key(view.mol) for view in examples.views if isinstance(view, Structure)]

    def doubts(self, support: Examples, queries: Examples) -> list[str]:
        """The queries of which no support molecule shares enough."""
        near = zip(queries.names, self._near(support, queries), strict=True)
        return [f"{name}: {found.sentence}" for name, found in near if found.support < FAR]

    def nearness(self, support: Examples, queries: Examples) -> list[str]:
        """The applicability domain; see `applicability`."""
        return [found.sentence for found in self._near(support, queries)]

    def _near(self, support: Examples, queries: Examples) -> list[Applicability]:
        known, asked = ([view.smiles for view in of.views if isinstance(view, Structure)] for of in (support, queries))
        return [applicability(smiles, known, names=support.names) for smiles in asked]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
