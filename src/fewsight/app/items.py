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
from fewsight.app.schema import Given
from fewsight.app.store import Item, Store
from fewsight.app.wording import FieldError, MistakeError, say
from fewsight.domains import Examples, Format, ImageFormat
from fewsight.domains.format import Fits
from fewsight.domains.images.file import decode
from fewsight.errors import DataError
from fewsight.view import cut


def take_image(store: Store, form: Format, name: str, payload: bytes, language: str) -> tuple[Item, Examples]:
    """Keep the image in `payload` as the model sees it; also as an example, whose notes say what was done to it.

    Raises:
        DataError: no image, a damaged one, or one that is too large; or the model takes none.
    """
    if not isinstance(form, ImageFormat):
        raise MistakeError(f"takes_{form.kind}")
    shown = clean(name, say(language, "image_unnamed"))
    if not payload:
        raise MistakeError("image_empty", name=shown)
    # The name the file came with never reaches the disk.
    pixels = decode(BytesIO(payload), shown, form.size, form.channels)[None]
    return store.add(shown, form.oriented(pixels)[0][0]), form.examples(pixels, [shown])


def take(store: Store, form: Format, given: Sequence[Given], language: str) -> list[tuple[Item, Examples]]:
    """Keep texts, molecules or rows, all or none.

    Raises:
        FieldError: one that the model cannot use.
    """
    if isinstance(form, ImageFormat):
        raise MistakeError("takes_images")
    found = []
    for place, each in enumerate(given):
        where = f"items.{place}"
        if isinstance(each.raw, str) == (form.kind == "rows"):
            raise MistakeError(f"takes_{form.kind}", where)
        called = excerpt(each.raw, language) or say(language, "row_name", count=place + 1)
        item = Item("", clean(each.name, called), each.raw)
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


def excerpt(raw: Any, language: str) -> str:
    """What a text or molecule without a name is called: its beginning. Empty for what is not written as one."""
    if not isinstance(raw, str):
        return ""
    line = "".join(character for character in " ".join(raw.split()) if character.isprintable())
    return cut(line, limits.EXCERPT) or say(language, "text_unnamed")
