"""How does the page speak? It asks for a sentence by its key; each language is one dictionary with the same keys."""

from __future__ import annotations

from dataclasses import dataclass

from fewsight.report.english import ENGLISH
from fewsight.report.english_audit import AUDIT
from fewsight.report.english_kinds import KINDS

CATALOGUES = {"en": ENGLISH | AUDIT | KINDS}


@dataclass(frozen=True)
class Words:
    """The sentences of one language, `words("title", label="cat")`."""

    language: str = "en"

    @property
    def catalogue(self) -> dict[str, str]:
        return CATALOGUES[self.language]

    def __call__(self, key: str, **blanks: object) -> str:
        return self.catalogue[key].format(**blanks)

    def count(self, key: str, count: int, **blanks: object) -> str:
        """The singular or the plural sentence."""
        return self(f"{key}_one" if count == 1 else f"{key}_many", count=count, **blanks)

    def kind(self, kind: str) -> str:
        """What a reader calls an explanation of this kind; an unknown kind keeps its name."""
        return self.catalogue.get(f"kind_{kind}", kind.replace("_", " "))

    def term(self, kind: str) -> str:
        """What the field calls it."""
        return self.catalogue.get(f"term_{kind}", kind)

    def series(self, name: str) -> str:
        """What a line of a chart of curves stands for."""
        return self.catalogue.get(f"series_{name}", name)

    def semantics(self, semantics: str) -> str:
        """What removing a player means, in words."""
        return self.catalogue.get(f"semantics_{semantics}", semantics)
