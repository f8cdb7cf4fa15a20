"""Where do views of examples stand on the page? On cards, beside the answer, and as small pictures in charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from fewsight.errors import DataError
from fewsight.picture import LARGE, SMALL, Picture
from fewsight.view import View

Shown = View | np.ndarray
"""A view, or a picture `(H, W)` or `(H, W, 3)` of uint8."""


def viewed(shown: Sequence[Shown] | None, names: Sequence[str]) -> tuple[View, ...] | None:
    """Views of the examples with these names.

    Raises:
        DataError: not one for each, or pictures that are no uint8 images.
    """
    if shown is None:
        return None
    if len(shown) != len(names):
        raise DataError(f"{len(shown)} support pictures for {len(names)} support examples: give one for each")
    return tuple(as_view(each, name) for each, name in zip(shown, names, strict=True))


def as_view(shown: Shown, name: str) -> View:
    return Picture(shown, name) if isinstance(shown, np.ndarray) else shown


def on_card(view: View | None) -> Markup:
    """A support example on its card; nothing where there is no view."""
    if view is None:
        return Markup("")
    if isinstance(view, Picture):
        return Markup('<img class="thumb" src="{}" alt="{}">').format(view.address(SMALL), view.text)
    return Markup('<div class="{}">{}</div>').format("snippet" if view.wide else "thumb", view.small())


def beside(view: View | None, alternative: str) -> Markup:
    """The query beside the answer."""
    if view is None:
        return Markup("")
    if isinstance(view, Picture):
        return Markup('<img class="picture" src="{}" alt="{}">').format(portrait(view), alternative)
    return Markup('<div class="{}">{}</div>').format("passage" if view.wide else "picture", view.large())


def in_chart(view: View | None) -> str | None:
    """A data address for a chart, whose rows have room for a picture only."""
    return view.address(SMALL) if isinstance(view, Picture) else None


def portrait(view: Picture) -> str:
    """The data address of the large picture."""
    return view.address(LARGE)
