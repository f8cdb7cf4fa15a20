"""What are the tokens of a text, in any language? Words; each ideograph or kana by itself; the markers of entities.

No vocabulary: a token is described by the hashes of its character n-grams, so that words never seen before resemble
those they share pieces with (Bojanowski et al. 2017, section 3.2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from zlib import crc32

SPACE = 1 << 20
"""Ids lie below it; 0 is no n-gram."""
SIZES = (3, 4, 5)
"""Characters of an n-gram, the edges of the word counted."""
MARKERS = ("[head]", "[/head]", "[tail]", "[/tail]")
"""Around the two entities whose relation is asked for; each is a token."""

_MARKER = re.compile("(" + "|".join(map(re.escape, MARKERS)) + ")")
_INSIDE = frozenset("'’\u200c\u200d")
"""Apostrophes and joiners, which do not end a word."""
_SINGLE = (
    (0x3040, 0x30FF),  # kana
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Scripts written without spaces whose characters are tokens by themselves."""


class Token(NamedTuple):
    """`text[start:end]` of the text it was found in."""

    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """The tokens in order. Punctuation, symbols and emoji are none."""
    found, start = [], 0
    for piece in _MARKER.split(text):
        if piece in MARKERS:
            found.append(Token(start, start + len(piece)))
        else:
            found += [Token(start + first, start + last) for first, last in _words(piece)]
        start += len(piece)
    return found


@lru_cache(1 << 18)
def gram_ids(word: str, most: int) -> tuple[int, ...]:
    """Ids of the whole word and of its n-grams, shortest first, at most `most`; each once."""
    marked = f"<{word[: 2 * most]}>"
    grams = [f"={word}"] + [marked[i : i + n] for n in SIZES for i in range(len(marked) - n + 1)]
    unique = list(dict.fromkeys(grams))[:most]
    return tuple(1 + crc32(gram.encode("utf-8", "surrogatepass")) % (SPACE - 1) for gram in unique)


def normal(word: str, lower: bool) -> str:
    """The word as it is hashed: one form for characters that mean the same (NFKC), small letters if `lower`."""
    composed = unicodedata.normalize("NFKC", word).replace("’", "'")
    return composed.casefold() if lower else composed


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Runs of letters, digits and their marks with at least one letter or digit."""
    place = 0
    for kind, run in groupby(text, _kind):
        first = place
        place += (length := sum(1 for _ in run))
        if kind == "single":
            yield from ((i, i + 1) for i in range(first, place))
        elif kind == "word":
            word = text[first:place]
            inner = word.strip("'’\u200c\u200d")
            if any(character.isalnum() for character in inner):
                first += length - len(word.lstrip("'’\u200c\u200d"))
                yield first, first + len(inner)


@lru_cache(1 << 16)
def _kind(character: str) -> str:
    code = ord(character)
    if any(low <= code <= high for low, high in _SINGLE):
        return "single" if character.isalnum() else "word"
    return "word" if unicodedata.category(character)[0] in "LMN" or character in _INSIDE else ""
