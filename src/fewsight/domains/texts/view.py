"""How is a text shown? As it was written; its tokens tinted by what they say for and against the answer."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from fewsight.domains.texts.tokens import Token
from fewsight.view import cut

SNIPPET = 60
"""Characters on a card."""
MARKED = 0.1
"""The least share that is marked by a sign as well as by a tint."""
TINT = 45
"""Percent of the colour at a share of 1; the ink on it stays readable."""


@dataclass(frozen=True, eq=False)
class TextView:
    """A `View` of a text; its parts are its tokens.

    Attributes:
        text: as it was written.
        tokens: those that the model sees; what follows the last was cut off and is shown muted.
    """

    text: str
    tokens: Sequence[Token]
    cut: bool = False
    wide: bool = True

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.text[token.start : token.end] for token in self.tokens)

    def small(self) -> Markup:
        line = _shown(" ".join(self.text.split()))
        return Markup('<span class="text">{}</span>').format(cut(line, SNIPPET))

    def large(self) -> Markup:
        return self._paragraph([Markup.escape(_shown(part)) for part in self.parts])

    def shaded(self, shares: np.ndarray) -> Markup | None:
        return self._paragraph([_tinted(part, float(share)) for part, share in zip(self.parts, shares, strict=True)])

    def _paragraph(self, drawn: Sequence[Markup]) -> Markup:
        pieces, end = [], 0
        for token, part in zip(self.tokens, drawn, strict=True):
            pieces += [Markup.escape(_shown(self.text[end : token.start])), part]
            end = token.end
        rest = Markup.escape(_shown(self.text[end:]))
        if self.cut:
            rest = Markup('<span style="color:var(--muted)" title="not read: too long">{}</span>').format(rest)
        style = "max-height:240px;overflow:auto;text-align:start;line-height:1.7;overflow-wrap:anywhere"
        return Markup('<p class="text" dir="auto" style="{}">{}</p>').format(style, Markup("").join([*pieces, rest]))


def _tinted(part: str, share: float) -> Markup:
    """A token as a span; its title says the share, and a sign repeats the colour for those who do not see it."""
    if share == 0:
        return Markup.escape(_shown(part))
    colour, sign = ("--for", "+") if share > 0 else ("--against", "−")
    tint = round(TINT * min(abs(share), 1))
    mark = Markup("<sup>{}</sup>").format(sign) if abs(share) >= MARKED else ""
    style = f"background:color-mix(in srgb,var({colour}) {tint}%,transparent);border-radius:3px;padding:0 2px"
    return Markup('<span style="{}" title="{}{:.2f}">{}{}</span>').format(style, sign, abs(share), _shown(part), mark)


def _shown(text: str) -> str:
    """The text without control characters, which no page may hold."""
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
