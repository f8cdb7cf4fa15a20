"""How does a person see an example? As a view: small on a card, large beside the answer, and with its parts shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from markupsafe import Markup


class View(Protocol):
    """One example, drawn as inert HTML or SVG: no script, no address but data, all that came from outside escaped.

    Colours are the page's CSS variables: `--for` speaks for the answer, `--against` against it, `--ink`, `--muted`,
    `--line` and `--paper` for the rest, so that light, dark and print all work.
    """

    @property
    def text(self) -> str:
        """It in one line of words: the text alternative."""
        ...

    @property
    def wide(self) -> bool:
        """Whether it runs along lines, as text does, rather than fit a square."""
        ...

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its parts in the order in which explanations give them values: tokens, atoms, features. Empty for
        pixels."""
        ...

    def small(self) -> Markup:
        """For a card, at most 72 pixels high."""
        ...

    def large(self) -> Markup:
        """For the place beside the answer, at most 256 pixels high."""
        ...

    def shaded(self, shares: np.ndarray) -> Markup | None:
        """The large one with its parts coloured by `shares` `(P,)` in [-1, 1]; None where a ranking says it better."""
        ...


@runtime_checkable
class Redraws(Protocol):
    """A view that can show another example of its kind."""

    def other(self, text: str) -> View:
        """The view of the example that this line of text stands for (a SMILES)."""
        ...


@dataclass(frozen=True)
class Overlap:
    """The largest connected part that two examples have in common.

    Attributes:
        first, second: its parts in each; none where they share nothing.
        text: it in one line.
        whole: False: the search was cut short, and there may be a larger one.
        other: the second example, laid out as the first, so that the eye finds what they share.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    text: str
    whole: bool
    other: Overlaps


@runtime_checkable
class Overlaps(View, Protocol):
    """A view that knows what it has in common with another of its kind, and can mark that."""

    def overlap(self, other: Overlaps) -> Overlap:
        """What both have in common."""
        ...

    def marked(self, parts: Sequence[int], shares: np.ndarray) -> Markup:
        """As `shaded`, with a grey band under some parts and what connects them."""
        ...


def cut(text: str, length: int) -> str:
    """The text, or its beginning with an ellipsis, in at most `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"
