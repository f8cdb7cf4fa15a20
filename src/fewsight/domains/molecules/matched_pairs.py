"""Which molecules differ from one in a single substituent? Matched molecular pairs (Hussain and Rea 2010).

A substituent is what a cut through one acyclic single bond at a carbon takes off; hydrogen is one too. In its place
comes a substituent of another molecule, so that what is put in is real chemistry.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from fewsight.domains.molecules.applicability import likeness
from fewsight.domains.molecules.smiles import parent, quiet, rdkit
from fewsight.errors import DataError
from fewsight.variants import Variant

MOST = 500
"""Variants of a molecule, those with the fewest exchanged atoms."""
OPEN = "[*:1]"
"""The end of a cut bond, in RDKit's words."""
METHANE = "C"
"""Whose only substituent is hydrogen."""


class Substituent(NamedTuple):
    """A part of a molecule behind one bond.

    Attributes:
        rest: the molecule without it, and `part`: it alone; hydrogens are atoms, the cut bond leads to `OPEN`.
        atoms: where its heavy atoms stand in the molecule.
        name: its canonical SMILES from the cut bond on ("–C(=O)O").
    """

    rest: Any
    part: Any
    atoms: tuple[int, ...]
    name: str


class Pairs(NamedTuple):
    """The molecules that were found, what is known of each, and `tried` and `left` as in `Variants`."""

    molecules: list[Any]
    known: tuple[Variant, ...]
    tried: int
    left: int


def substituents(mol: Any) -> list[Substituent]:
    """Those of at most half of the molecule's heavy atoms; of equivalent places the first."""
    from rdkit.Chem import rdMMPA

    found = []
    with quiet():
        whole = rdkit().AddHs(mol)
        cuts = rdMMPA.FragmentMol(whole, maxCuts=1, maxCutBonds=whole.GetNumBonds(), resultsAsMols=True)
        for _, halves in cuts:
            places: list[tuple[int, ...]] = []
            sides = rdkit().GetMolFrags(halves, asMols=True, sanitizeFrags=False, fragsMolAtomMapping=places)
            for part, rest, atoms in zip(sides, reversed(sides), places, strict=True):
                heavy = tuple(i for i in atoms if i < mol.GetNumAtoms())
                if 2 * len(heavy) <= mol.GetNumAtoms():
                    found.append(Substituent(rest, part, heavy, _name(part)))
    return found


def matched_pairs(mol: Any, donors: Mapping[int, Any], largest: int) -> Pairs:
    """Molecules that differ from `mol` in one substituent, taken from the donors, from `mol` itself, or hydrogen.

    Args:
        donors: molecules by the number they are known by.
        largest: heavy atoms that a molecule may have.

    Raises:
        DataError: the molecule is too large, has no bond to cut, or nothing fits.
    """
    size = mol.GetNumAtoms()
    if size > largest:
        raise DataError(f"the molecule has {size} atoms, of which the model sees {largest}: a change may not show")
    own = substituents(mol)
    if not own:
        raise DataError("the molecule has no acyclic single bond at a carbon that could be cut")
    sources = [(None, rdkit().MolFromSmiles(METHANE)), *donors.items(), (None, mol)]
    waiting = deque(_exchanges(own, sources, largest - size))
    molecules: list[Any] = []
    known: list[Variant] = []
    seen, tried = {parent(rdkit().MolToSmiles(mol)).key}, 0
    while waiting and len(known) < MOST:
        gone, come, donor = waiting.popleft()
        try:
            text, put = _joined(gone, come)
            found = parent(text)
        except (DataError, RuntimeError, ValueError):  # no molecule: a valence is broken, or it cannot be standardised
            tried += 1
            continue
        if found.key not in seen:
            seen.add(found.key)
            tried += 1
            molecules.append(found.mol)
            known.append(Variant(text, f"{gone.name} → {come.name}", gone.atoms, put, donor, 0.0))
    if not known:
        raise DataError("no substituent of the support molecules gives another molecule when put in")
    alike = likeness(mol, molecules)
    known = [replace(variant, likeness=value) for variant, value in zip(known, alike, strict=True)]
    return Pairs(molecules, tuple(known), tried, len(waiting))


def _exchanges(
    own: Sequence[Substituent], sources: Sequence[tuple[int | None, Any]], room: int
) -> list[tuple[Substituent, Substituent, int | None]]:
    """What may go, what may come from the molecules `sources`, and from which; the fewest heavy atoms first.

    Args:
        room: heavy atoms that the molecule may grow by.
    """
    offered: dict[str, tuple[Substituent, int | None]] = {}
    for donor, mol in sources:
        for part in substituents(mol):
            offered.setdefault(part.name, (part, donor))
    found = [
        (gone, come, donor)
        for gone in own
        for come, donor in offered.values()
        if come.name != gone.name and len(come.atoms) - len(gone.atoms) <= room
    ]
    return sorted(found, key=lambda exchange: len(exchange[0].atoms) + len(exchange[1].atoms))


def _joined(gone: Substituent, come: Substituent) -> tuple[str, tuple[int, ...]]:
    """SMILES of the molecule with `come` for `gone`, and where the new heavy atoms stand in it."""
    chem, new = rdkit(), rdkit().Mol(come.part)
    for atom in new.GetAtoms():
        atom.SetBoolProp("new", True)
    with quiet():
        whole = chem.RemoveHs(chem.molzip(gone.rest, new))
        chem.AssignStereochemistry(whole, cleanIt=True, force=True)  # a centre may have lost what made it one
        text = chem.MolToSmiles(whole)
    order = whole.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"]
    return text, tuple(place for place, i in enumerate(order) if whole.GetAtomWithIdx(i).HasProp("new"))


def _name(part: Any) -> str:
    bare = rdkit().RemoveHs(part)
    end = next(atom.GetIdx() for atom in bare.GetAtoms() if atom.GetAtomicNum() == 0)
    text = rdkit().MolToSmiles(bare, rootedAtAtom=end).removeprefix(OPEN)
    return "–" + ("H" if text == "[H]" else text)
