"""How is a molecule shown? As its structural formula, drawn by RDKit on white; atoms can be shaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from markupsafe import Markup

from fewsight.domains.molecules.applicability import in_common
from fewsight.domains.molecules.smiles import parent, quiet, rdkit
from fewsight.view import Overlap, Overlaps

SMALL = (108, 72)
"""Width and height in pixels on a card."""
LARGE = (384, 256)
"""Beside the answer."""
FOR, AGAINST = (0x0B, 0x6F, 0xB3), (0xD3, 0x5A, 0x00)
"""The page's colours on light ground: the drawing's ground is white in every theme."""
BAND = (0.74, 0.74, 0.74)
"""Under what a molecule shares with another: grey speaks neither for nor against."""
RADIUS, BAND_RADIUS = 0.4, 0.2
"""Of an atom's shade, and of the band where it has none, in bond lengths."""
WIDTH = 14
"""Of the band, in lines of a bond."""
LEAST = 3
"""Atoms of a substructure worth speaking of: any two molecules have a carbon or two in common."""
FAINT = 0.02
"""Shares of less are not shaded."""


@dataclass(frozen=True, eq=False)
class Structure:
    """A `View` of a molecule; its parts are heavy atoms.

    Attributes:
        mol: RDKit's molecule.
        name: what its owner calls it.
        atoms: how many atoms the model sees at most.
    """

    mol: Any
    name: str = ""
    atoms: int = 64
    wide: bool = False

    @cached_property
    def smiles(self) -> str:
        return rdkit().MolToSmiles(self.mol)

    @property
    def text(self) -> str:
        return self.smiles if self.name in ("", self.smiles) else f"{self.name}: {self.smiles}"

    @cached_property
    def parts(self) -> tuple[str, ...]:
        atoms = list(self.mol.GetAtoms())[: self.atoms]
        return tuple(f"{atom.GetSymbol()}{atom.GetIdx() + 1}{' (ring)' * atom.IsInRing()}" for atom in atoms)

    def small(self) -> Markup:
        return self._drawn(SMALL)

    def large(self) -> Markup:
        return self._drawn(LARGE)

    def shaded(self, shares: np.ndarray) -> Markup | None:
        return self.marked((), shares)

    def marked(self, parts: Sequence[int], shares: np.ndarray) -> Markup:
        sizes = [float(share) for share in shares[: self.mol.GetNumAtoms()]]
        tints = {i: _tint(share) for i, share in enumerate(sizes) if abs(share) >= FAINT}
        return self._drawn(LARGE, tints, parts)

    def other(self, text: str) -> Structure:
        """The molecule of a SMILES, seen by the same model and drawn as this one where they are the same."""
        mol = parent(text).mol
        found = in_common(self.mol, mol)
        return Structure(self._beside(mol, found.first, found.second), atoms=self.atoms)

    def overlap(self, other: Overlaps) -> Overlap:
        """The largest substructure they share (see `applicability.shared`), of the atoms that the model sees.

        None where it is smaller than `LEAST`.
        """
        assert isinstance(other, Structure)  # a page shows molecules beside molecules
        found = in_common(self.mol, other.mol)
        seen = [pair for pair in zip(found.first, found.second, strict=True) if max(pair) < self.atoms]
        first, second = zip(*seen, strict=True) if len(seen) >= LEAST else ((), ())
        text = rdkit().MolFragmentToSmiles(self.mol, first) if first else ""
        return Overlap(first, second, text, found.whole, replace(other, mol=self._beside(other.mol, first, second)))

    def _beside(self, mol: Any, own: Sequence[int], atoms: Sequence[int]) -> Any:
        """`mol` laid out so that its `atoms` stand where this molecule's `own` do."""
        from rdkit.Chem import rdDepictor

        mol, reference = rdkit().Mol(mol), rdkit().Mol(self.mol)
        rdDepictor.Compute2DCoords(reference)
        if own:
            rdDepictor.GenerateDepictionMatching2DStructure(mol, reference, list(zip(own, atoms, strict=True)))
        return mol

    def _drawn(
        self,
        size: tuple[int, int],
        tints: dict[int, tuple[float, float, float]] | None = None,
        band: Sequence[int] = (),
    ) -> Markup:
        from rdkit.Chem.Draw import rdMolDraw2D

        drawing = rdMolDraw2D.MolDraw2DSVG(*size)
        options: Any = drawing.drawOptions()
        options.clearBackground = False
        options.highlightBondWidthMultiplier = WIDTH
        options.padding = 0.08
        options.fixedBondLength = 40  # at most: two atoms are not drawn as large as twenty
        options.maxFontSize = 16
        ready = rdMolDraw2D.PrepareMolForDrawing(self.mol, kekulize=_can_kekulize(self.mol))
        inside = [b for b in ready.GetBonds() if b.GetBeginAtomIdx() in band and b.GetEndAtomIdx() in band]
        bonds = {bond.GetIdx(): BAND for bond in inside}
        colours = dict.fromkeys(band, BAND) | (tints or {})
        radii = dict.fromkeys(band, BAND_RADIUS) | dict.fromkeys(tints or {}, RADIUS)
        drawing.DrawMolecule(
            ready,
            highlightAtoms=list(colours),
            highlightAtomColors=colours,
            highlightAtomRadii=radii,
            highlightBonds=list(bonds),
            highlightBondColors=bonds,
        )
        drawing.FinishDrawing()
        return _inert(drawing.GetDrawingText(), size, self.text)


def _can_kekulize(mol: Any) -> bool:
    with quiet():
        try:
            rdkit().Kekulize(rdkit().Mol(mol))
        except (RuntimeError, ValueError):
            return False
    return True


def _tint(share: float) -> tuple[float, float, float]:
    """The colour of a share in [-1, 1], paler towards 0, so that a black bond stays readable on it."""
    strength = 0.15 + 0.6 * min(abs(share), 1.0)
    red, green, blue = (1 - strength + strength * part / 255 for part in (FOR if share > 0 else AGAINST))
    return red, green, blue


_SHAPES = re.compile(r"<(path|ellipse|rect|polygon)\b[^>]*>")
_ATTRIBUTE = re.compile(r"(?<![\w-])(d|cx|cy|rx|ry|x|y|width|height|points|fill)='([^']*)'")
_STYLE = re.compile(r"(fill|stroke|stroke-width):([^;']+)")


def _inert(svg: str, size: tuple[int, int], text: str) -> Markup:
    """RDKit's drawing as an SVG of bare shapes on a white rounded ground: no class, namespace or id."""
    shapes = []
    for shape in _SHAPES.finditer(svg):
        drawn = dict(_ATTRIBUTE.findall(shape[0])) | dict(_STYLE.findall(shape[0]))
        drawn = {name: value.removesuffix("px") for name, value in drawn.items()}
        shapes.append(
            Markup("<{} {}/>").format(
                shape[1], Markup(" ").join(Markup('{}="{}"').format(name, value) for name, value in drawn.items())
            )
        )
    width, height = size
    return Markup(
        '<svg class="structure" role="img" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
        'style="max-width:100%;height:auto"><title>{text}</title>'
        '<rect width="{w}" height="{h}" rx="6" fill="#ffffff"/>{shapes}</svg>'
    ).format(w=width, h=height, text=text, shapes=Markup("").join(shapes))
