"""How does what a person gives become an item? Images decoded with care, the rest as it was written.

An item that cannot be used is refused when it comes, so that later requests need not fear it.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fewsight.app import limits
from fewsight.app.schema import FieldError, Given
from fewsight.app.store import Item, Store
from fewsight.domains import Examples, Format, ImageFormat
from fewsight.domains.format import Fits
from fewsight.domains.images.file import decode
from fewsight.errors import DataError
from fewsight.view import cut


def take_image(store: Store, form: Format, name: str, payload: bytes) -> tuple[Item, Examples]:
    """Keep the image in `payload` as the model sees it; also as an example, whose notes say what was done to it.

    Raises:
        DataError: no image, a damaged one, or one that is too large; or the model takes none.
    """
    if not isinstance(form, ImageFormat):
        raise DataError(f"this model takes {form.kind}, not images: send them to /api/items")
    shown = clean(name, "image")
    if not payload:
        raise DataError(f"{shown} is empty (0 bytes): replace it by the image it should be")
    # The name the file came with never reaches the disk.
    pixels = decode(BytesIO(payload), shown, form.size, form.channels)[None]
    return store.add(shown, form.oriented(pixels)[0][0]), form.examples(pixels, [shown])


def take(store: Store, form: Format, given: Sequence[Given]) -> list[tuple[Item, Examples]]:
    """Keep texts, molecules or rows, all or none.

    Raises:
        FieldError: one that the model cannot use.
    """
    if isinstance(form, ImageFormat):
        raise DataError("this model takes images: send each to /api/images")
    found = []
    for place, each in enumerate(given):
        where = f"items.{place}"
        if isinstance(each.raw, str) == (form.kind == "rows"):
            said = "values by column name" if form.kind == "rows" else "text"
            raise FieldError(f"this model takes {form.kind}: give {said}", where)
        item = Item("", clean(each.name, excerpt(each.raw) or f"row {place + 1}"), each.raw)
        try:
            found.append((item, encode(fitted(form, [item]), [item])))
        except DataError as error:
            raise FieldError(str(error), where) from None
    return [(store.add(item.name, item.raw), examples) for item, examples in found]


def fitted(form: Format, items: Sequence[Item]) -> Format:
    """The format for tasks with this support set: where a model takes any columns, it decides them."""
    if isinstance(form, Fits):
        return form.fitted([item.raw for item in items], [item.name for item in items])
    return form


def encode(form: Format, items: Sequence[Item]) -> Examples:
    """Kept items as the model sees them."""
    names = [item.name for item in items]
    if isinstance(form, ImageFormat):
        return form.examples(np.stack([item.raw for item in items]), names, invert=False)
    return form.encode([item.raw for item in items], names)


def clean(name: str, otherwise: str) -> str:
    """The last part of a file name, without what is not printed, at most `limits.NAME` characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    printed = "".join(character for character in last if character.isprintable()).strip()
    stem = Path(printed)
    if len(printed) > limits.NAME:
        printed = printed[: limits.NAME - len(stem.suffix[:8]) - 1] + "…" + stem.suffix[:8]
    return printed or otherwise


def excerpt(raw: Any) -> str:
    """What a text or molecule without a name is called: its beginning. Empty for what is not written as one."""
    if not isinstance(raw, str):
        return ""
    line = "".join(character for character in " ".join(raw.split()) if character.isprintable())
    return cut(line, limits.EXCERPT) or "the text"
