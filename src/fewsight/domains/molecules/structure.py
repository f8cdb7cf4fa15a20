"""How is a molecule shown? As its structural formula, drawn by RDKit on white; atoms can be shaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from markupsafe import Markup

from fewsight.domains.molecules.applicability import shared
from fewsight.domains.molecules.smiles import parent, quiet, rdkit

SMALL = (108, 72)
"""Width and height in pixels on a card."""
LARGE = (384, 256)
"""Beside the answer."""
FOR, AGAINST = (0x0B, 0x6F, 0xB3), (0xD3, 0x5A, 0x00)
"""The page's colours on light ground: the drawing's ground is white in every theme."""
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
        sizes = [float(share) for share in shares[: self.mol.GetNumAtoms()]]
        return self._drawn(LARGE, {i: _tint(share) for i, share in enumerate(sizes) if abs(share) >= FAINT})

    def marked(self, atoms: tuple[int, ...]) -> Markup:
        """The large one with some atoms marked: a substructure it shares with another molecule."""
        return self._drawn(LARGE, dict.fromkeys(atoms, _tint(0.6)))

    def other(self, text: str) -> Structure:
        """The molecule of a SMILES, seen by the same model and drawn as this one where they are the same."""
        from rdkit.Chem import rdDepictor

        mol, reference = parent(text).mol, rdkit().Mol(self.mol)
        rdDepictor.Compute2DCoords(reference)
        if smarts := shared(self.smiles, text).smarts:
            pattern = rdkit().MolFromSmarts(smarts)
            rdDepictor.GenerateDepictionMatching2DStructure(mol, reference, refPatt=pattern, acceptFailure=True)
        return Structure(mol, atoms=self.atoms)

    def _drawn(self, size: tuple[int, int], colours: dict[int, tuple[float, float, float]] | None = None) -> Markup:
        from rdkit.Chem.Draw import rdMolDraw2D

        drawing = rdMolDraw2D.MolDraw2DSVG(*size)
        options: Any = drawing.drawOptions()
        options.clearBackground = False
        options.highlightRadius = 0.4
        options.padding = 0.08
        options.fixedBondLength = 40  # at most: two atoms are not drawn as large as twenty
        options.maxFontSize = 16
        ready = rdMolDraw2D.PrepareMolForDrawing(self.mol, kekulize=_can_kekulize(self.mol))
        colours = colours or {}
        drawing.DrawMolecule(ready, highlightAtoms=list(colours), highlightAtomColors=colours, highlightBonds=[])
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
