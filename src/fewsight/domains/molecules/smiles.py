"""When are two SMILES the same molecule? When their parents are: largest fragment, neutral, known by its InChIKey.

Salts, solvents and charges differ between sources of one compound; deduplicated without this, a molecule can be in the
support and among the queries at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeVar

from fewsight.errors import DataError
from fewsight.view import cut

T = TypeVar("T")

LONGEST = 4000
"""Characters of a SMILES; beyond it parsing can take minutes."""


class Parent(NamedTuple):
    """A standardised molecule.

    Attributes:
        mol: RDKit's molecule, without explicit hydrogens, atoms in the order of `smiles`.
        smiles: its canonical SMILES.
        key: its InChIKey (the SMILES where InChI has none).
        changed: what was done to it, a few words; empty: nothing.
    """

    mol: Any
    smiles: str
    key: str
    changed: str = ""


def parent(smiles: object, name: str = "") -> Parent:
    """The standardised molecule of a SMILES.

    The atoms keep the order in which they were written, so that what is said of atom 3 can be found by its owner.

    Raises:
        DataError: no text, nothing but a molecule expected ("CCO ethanol"), not a molecule, or without real atoms.
    """
    what = name or "a molecule"
    if not isinstance(smiles, str) or not (text := smiles.strip()):
        raise DataError(f"{what} has no SMILES: fill it in, or remove it")
    shown = repr(cut(text, 60))
    if len(text) > LONGEST:
        raise DataError(f"{what}: {shown} has {len(text)} characters, at most {LONGEST} are read")
    if len(text.split()) > 1:
        raise DataError(f"{what}: {shown} holds more than a SMILES: give {text.split()[0]!r} alone")
    with quiet():
        mol = _parsed(text)
        if mol is None or mol.GetNumAtoms() == 0:
            raise DataError(f"{what}: {shown} is not a molecule that RDKit can read: correct it, or remove it")
        if any(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms()):
            raise DataError(f"{what}: {shown} has an atom that is not named (*): only whole molecules can be read")
        try:
            standard, changed = _standard(mol)
            return Parent(standard, rdkit().MolToSmiles(standard), key(standard), changed)
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().split("\n")[0]
            raise DataError(f"{what}: {shown} cannot be standardised ({reason})") from None


class Counts(NamedTuple):
    """What became of a table's rows."""

    unread: int = 0
    fragments: int = 0
    repeated: int = 0
    contradicting: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each thing that was done."""
        said = (
            (self.unread, "{} rows were left out: their SMILES cannot be read"),
            (self.fragments, "of {} rows of several fragments (salts) the largest was taken"),
            (self.repeated, "{} rows repeat a molecule and were merged with it"),
            (self.contradicting, "{} labels were dropped: rows of one molecule contradict each other"),
        )
        return tuple(sentence.format(count) for count, sentence in said if count)


def deduplicated(
    smiles: Iterable[str], labels: Sequence[Sequence[float | None]], keep: Callable[[Parent], T]
) -> tuple[list[T], list[list[float | None]], Counts]:
    """Distinct parents of a table's rows, in order of first appearance, and the label all rows of each agree on.

    Args:
        labels: `[row][assay]`, None where nothing was measured.
        keep: what to keep of each parent: RDKit's molecules of a large table take gigabytes.

    Returns:
        What was kept of the parents, their labels `[parent][assay]`, and counts of what was left out.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    parents: dict[str, T] = {}
    unread = fragments = contradicting = 0
    for row, text in enumerate(smiles):
        try:
            found = parent(text)
        except DataError:
            unread += 1
            continue
        fragments += "." in text
        if found.key not in parents:
            parents[found.key] = keep(found)
        rows[found.key].append(row)
    kept: list[list[float | None]] = []
    for of in rows.values():
        given = [
            {value for value in column if value is not None}
            for column in zip(*(labels[row] for row in of), strict=True)
        ]
        contradicting += sum(len(values) > 1 for values in given)
        kept.append([values.pop() if len(values) == 1 else None for values in given])
    repeated = sum(len(of) - 1 for of in rows.values())
    return list(parents.values()), kept, Counts(unread, fragments, repeated, contradicting)


def scaffold(mol: Any) -> str:
    """SMILES of the Bemis-Murcko scaffold (rings and what links them; J. Med. Chem. 1996); empty without a ring."""
    from rdkit.Chem.Scaffolds import MurckoScaffold

    with quiet():
        return rdkit().MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol), isomericSmiles=False)


def rdkit() -> Any:
    """RDKit's `Chem`.

    Raises:
        DataError: it is not installed.
    """
    try:
        from rdkit import Chem
    except ImportError:
        raise DataError("molecules need RDKit: pip install 'fewsight[molecules]'") from None
    return Chem


@contextmanager
def quiet() -> Iterator[None]:
    """RDKit writes what it dislikes to standard error itself; here it does not."""
    rdkit()
    from rdkit import rdBase

    with rdBase.BlockLogs():
        yield


def _parsed(text: str) -> Any:
    """The molecule, or None; a name or extension after the SMILES is an error, unlike in RDKit's own default."""
    settings = rdkit().SmilesParserParams()
    settings.parseName = settings.allowCXSMILES = False
    try:
        return rdkit().MolFromSmiles(text, settings)
    except (RuntimeError, ValueError):  # what its C++ throws
        return None


def _standard(mol: Any) -> tuple[Any, str]:
    """Metals cut off, functional groups written in one way, the largest fragment, neutral; and what that changed."""
    charged = any(atom.GetFormalCharge() for atom in mol.GetAtoms())
    if not charged and len(rdkit().GetMolFrags(mol)) == 1:
        return mol, ""
    from rdkit.Chem.MolStandardize import rdMolStandardize

    largest, neutral = _standardisers()
    clean = rdMolStandardize.Cleanup(mol)
    part = largest.choose(clean)
    done = neutral.uncharge(part)
    if _parsed(rdkit().MolToSmiles(done)) is None:  # half of a metal complex: no neutral atom can stand for its charge
        raise ValueError("its largest fragment is no molecule when neutral")
    said = []
    if part.GetNumAtoms() < clean.GetNumAtoms():
        said.append("its largest fragment was taken")
    if sum(abs(a.GetFormalCharge()) for a in done.GetAtoms()) < sum(abs(a.GetFormalCharge()) for a in part.GetAtoms()):
        said.append("it was made neutral")
    return done, " and ".join(said)


@cache
def _standardisers() -> tuple[Any, Any]:
    from rdkit.Chem.MolStandardize import rdMolStandardize

    return rdMolStandardize.LargestFragmentChooser(), rdMolStandardize.Uncharger()


def key(mol: Any) -> str:
    """By which a standardised molecule is known."""
    return rdkit().MolToInchiKey(mol) or rdkit().MolToSmiles(mol)
