"""How is what `explain` says in English said in another language? Phrase by phrase; a blank takes what stands there.

Explanations carry their questions, notes and measures as English text, so that they read the same everywhere. Here a
phrase is known by its English pattern: `"step {number}": "第 {number} 步"`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

BLANKS = {"number": r"[-+]?\d[\w.%+-]*|nan|inf"}
"""What a blank takes, by its name; all others take anything, and what `{phrase}` takes is translated too."""
BETWEEN = "; "
"""What stands between phrases that are put together."""


class Phrases:
    """Translations by English pattern."""

    def __init__(self, phrases: Mapping[str, str], between: str) -> None:
        """`between` stands in a translation where `BETWEEN` stood in the text."""
        # The pattern with the most letters of its own says most surely what a text is.
        ordered = sorted(phrases, key=lambda english: -len(re.sub(r"\{\w+\}", "", english)))
        self._patterns = [(re.compile(_pattern(english), re.DOTALL), phrases[english]) for english in ordered]
        self._between = between

    def __call__(self, text: str) -> str:
        """The translation; a text that is not made of known phrases stays as it is."""
        if (whole := self._phrase(text)) is not None:
            return whole
        parts = [said for part in text.split(BETWEEN) if (said := self._phrase(part)) is not None]
        return self._between.join(parts) if len(parts) == text.count(BETWEEN) + 1 else text

    def _phrase(self, text: str) -> str | None:
        for pattern, translation in self._patterns:
            if found := pattern.fullmatch(text):
                blanks = found.groupdict()
                return translation.format(**{n: self(part) if n == "phrase" else part for n, part in blanks.items()})
        return None


def _pattern(english: str) -> str:
    """The phrase as a regular expression with a named group for each blank."""
    return "".join(
        re.escape(text) + (f"(?P<{name}>{BLANKS.get(name, '.+?')})" if name else "")
        for text, name, *_ in Formatter().parse(english)
    )
