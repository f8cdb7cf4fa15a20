"""How does the server word what it says to a person? From the catalogue of the page, in the language of the request.

A request says its language as HTTP does, by `Accept-Language`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Header

from fewsight.errors import DataError
from fewsight.report.words import Words

STATIC = Path(__file__).with_name("static")
CATALOGUES: dict[str, dict[str, str]] = json.loads((STATIC / "messages.json").read_text("utf-8"))


class FieldError(DataError):
    """What the library says is wrong with one field of a request; `where` names it as `items.3`."""

    def __init__(self, sentence: str, where: str | None) -> None:
        super().__init__(sentence)
        self.where = where


class MistakeError(FieldError):
    """What a person can mend, by its key in the catalogue; as a string it is English. `status` is of the answer."""

    def __init__(self, key: str, where: str | None = None, *, status: int = 422, **blanks: object) -> None:
        super().__init__(say("en", key, **blanks), where)
        self.key, self.status, self.blanks = key, status, blanks


def say(language: str, key: str, **blanks: object) -> str:
    """The sentence `key` with its blanks filled in."""
    return CATALOGUES[language][key].format(**blanks)


def told(error: Exception, language: str) -> str:
    """The mistake in this language; one of the library that has no translation follows a sentence as its detail."""
    if isinstance(error, MistakeError):
        return say(language, error.key, **error.blanks)
    return passed(str(error), language)


def passed(sentence: str, language: str) -> str:
    """What the library said in English."""
    known = Words(language).told(sentence)
    return say(language, "mistake_other", detail=sentence) if known == sentence else known


def spoken(accepted: str | None) -> str:
    """The language of an `Accept-Language` header: that of its first entry, English where there are no words for it."""
    first = (accepted or "").strip()[:2].lower()
    return first if first in CATALOGUES else "en"


def _asked(accept_language: Annotated[str | None, Header(description="`en` or `zh`")] = None) -> str:
    return spoken(accept_language)


Language = Annotated[str, Depends(_asked)]
