"""How does the page speak? It asks for a sentence by its key; each language is one dictionary with the same keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fewsight.errors import DataError
from fewsight.explain.explanation import Explanation
from fewsight.report.chinese import CHINESE
from fewsight.report.chinese_audit import AUDIT as AUDIT_ZH
from fewsight.report.chinese_changes import CHANGES as CHANGES_ZH
from fewsight.report.chinese_checks import CHECKS
from fewsight.report.chinese_inputs import INPUTS
from fewsight.report.chinese_kinds import KINDS as KINDS_ZH
from fewsight.report.chinese_notes import NOTES
from fewsight.report.chinese_questions import QUESTIONS
from fewsight.report.english import ENGLISH
from fewsight.report.english_audit import AUDIT
from fewsight.report.english_changes import CHANGES
from fewsight.report.english_kinds import KINDS
from fewsight.report.phrases import Phrases

CATALOGUES = {"en": ENGLISH | AUDIT | CHANGES | KINDS, "zh": CHINESE | AUDIT_ZH | CHANGES_ZH | KINDS_ZH}
"""The page's own sentences."""
PHRASES = {"zh": Phrases(QUESTIONS | CHECKS | NOTES | INPUTS, between=CHINESE["items"])}
"""What an explanation says of itself, and the library of inputs; they say so in English."""


@dataclass(frozen=True)
class Words:
    """The sentences of one language, `words("title", label="cat")`.

    Raises:
        DataError: an unknown language.
    """

    language: str = "en"

    def __post_init__(self) -> None:
        if self.language not in CATALOGUES:
            raise DataError(f"no page in the language {self.language!r}; known: {', '.join(CATALOGUES)}")

    @property
    def catalogue(self) -> dict[str, str]:
        return CATALOGUES[self.language]

    def __call__(self, key: str, **blanks: object) -> str:
        return self.catalogue[key].format(**blanks)

    def count(self, key: str, count: int, **blanks: object) -> str:
        """The singular or the plural sentence."""
        return self(f"{key}_one" if count == 1 else f"{key}_many", count=count, **blanks)

    def text(self, sentences: Iterable[str]) -> str:
        """Whole sentences, one after the other."""
        return self("sentences").join(sentences)

    def listed(self, items: Iterable[str]) -> str:
        """Parts of one sentence."""
        return self("items").join(items)

    def told(self, text: str) -> str:
        """What an explanation says of itself, in this language; in English where there is no translation."""
        return PHRASES[self.language](text) if self.language in PHRASES else text

    def failures(self, explanation: Explanation) -> list[str]:
        """Why not to trust it: in plain words, and then what failed."""
        found = []
        if explanation.residual is not None and not explanation.complete:
            found.append(self("failed_sum", residual=f"{explanation.residual:.2g}", bound=f"{explanation.bound:.2g}"))
        for key, measures in (("failed_check", explanation.fidelity), ("failed_control", explanation.controls)):
            failed = (measure for measure in measures if measure.passed is False)
            found += [self(key, name=self.told(measure.name), value=f"{measure.value:.3g}") for measure in failed]
        return found

    def kind(self, kind: str) -> str:
        """What a reader calls an explanation of this kind, or one of its tests; an unknown kind keeps its name."""
        part, of, tested = kind.partition(" of ")
        if of and f"part_{part}" in self.catalogue:
            return self(f"part_{part}", kind=self.kind(tested))
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
