"""Can a model be trusted on this molecule? The nearer it is to what the model has seen, the rather.

Similarity is Tanimoto's, of sets of ECFP4 substructures: 1 for the same set, 0 for none in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fewsight.domains.molecules.smiles import parent, quiet

NEAR, FAR = 0.4, 0.2
"""Two random drug-like molecules are about 0.1 alike; analogues of one series above 0.4 or so."""
SECONDS = 2
"""After so long the largest shared substructure that was found by then is taken."""


@dataclass(frozen=True)
class Applicability:
    """How near one query is to what the model knows.

    Attributes:
        support: similarity to the most similar support molecule, and `nearest`, its number.
        trained: to the most similar molecule of meta-training; None where that is not known.
        sentence: for the page.
    """

    support: float
    nearest: int
    trained: float | None
    sentence: str


def applicability(
    query: str, support: Sequence[str], trained: Sequence[str] | None = None, names: Sequence[str] | None = None
) -> Applicability:
    """Nearness of the query's SMILES to those of the support and, where known, of meta-training.

    Args:
        names: of the support molecules, for the sentence; default their numbers.

    Raises:
        DataError: a SMILES that cannot be read.
    """
    own = _fingerprint(query)
    near = _similarities(own, list(map(_fingerprint, support)))
    nearest = max(range(len(near)), key=near.__getitem__)
    known = max(_similarities(own, list(map(_fingerprint, trained))), default=0.0) if trained else None
    best, name = near[nearest], f"support molecule {nearest + 1}" if names is None else names[nearest]
    if best >= NEAR:
        said = f"This molecule resembles {name} (Tanimoto similarity {best:.2f})."
    elif best >= FAR:
        said = f"No support molecule is close to this one: the nearest, {name}, is {best:.2f} alike."
    else:
        said = f"This molecule is unlike all of the support (at most {best:.2f} alike): take the answer as a guess."
    if known is not None and known < NEAR:
        said += f" Nor has meta-training seen its like (at most {known:.2f})."
    return Applicability(best, nearest, known, said)


@dataclass(frozen=True)
class Shared:
    """The largest substructure that two molecules share.

    Attributes:
        smarts: its pattern; empty where they share nothing.
        first, second: its atoms in each, counted from 0 as in the SMILES that was given.
        whole: False: the search ran out of time, and there may be a larger one.
    """

    smarts: str
    first: tuple[int, ...]
    second: tuple[int, ...]
    whole: bool


def shared(first: str, second: str) -> Shared:
    """The largest connected substructure of two SMILES with equal elements and bonds, rings kept whole (RDKit's MCS).

    Raises:
        DataError: a SMILES that cannot be read.
    """
    return in_common(parent(first).mol, parent(second).mol)


def in_common(first: Any, second: Any) -> Shared:
    """The same of two of RDKit's molecules."""
    from rdkit.Chem import MolFromSmarts, rdFMCS

    with quiet():
        found = rdFMCS.FindMCS([first, second], timeout=SECONDS, ringMatchesRingOnly=True, completeRingsOnly=True)
        if found.numAtoms == 0:
            return Shared("", (), (), not found.canceled)
        pattern = MolFromSmarts(found.smartsString)
        return Shared(
            found.smartsString,
            tuple(first.GetSubstructMatch(pattern)),
            tuple(second.GetSubstructMatch(pattern)),
            not found.canceled,
        )


def likeness(mol: Any, others: Sequence[Any]) -> list[float]:
    """Similarity of one of RDKit's molecules to each of the others."""
    return _similarities(_substructures(mol), [_substructures(other) for other in others])


@lru_cache(maxsize=100_000)
def _fingerprint(smiles: str) -> Any:
    return _substructures(parent(smiles).mol)


def _substructures(mol: Any) -> Any:
    from rdkit.Chem import rdFingerprintGenerator

    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=4096).GetFingerprint(mol)


def _similarities(own: Any, others: Sequence[Any]) -> list[float]:
    from rdkit.DataStructs import BulkTanimotoSimilarity

    return list(BulkTanimotoSimilarity(own, others))
