"""How does an uploaded file become an image? Under a name of our own, decoded with care, and gone."""

from __future__ import annotations

import secrets
from pathlib import Path, PurePosixPath

from fewsight.app import limits
from fewsight.app.store import Image, Store
from fewsight.domains import ImageFormat, read_query
from fewsight.errors import DataError


def take(store: Store, image_format: ImageFormat, name: str, payload: bytes) -> tuple[Image, tuple[str, ...]]:
    """Keep the image in `payload` as the model sees it; also what was done to it, a sentence each.

    Raises:
        DataError: no image, a damaged one, or one that is too large.
    """
    shown = clean(name)
    folder = store.folder / "incoming"
    folder.mkdir(exist_ok=True)
    path = folder / secrets.token_hex(16)  # the name the file came with never reaches the disk
    try:
        path.write_bytes(payload)
        found = read_query(path, *image_format)
    except DataError as error:
        raise DataError(str(error).replace(str(path), shown)) from None
    finally:
        path.unlink(missing_ok=True)
    return store.add_image(shown, found.images[0]), found.notes


def clean(name: str) -> str:
    """The last part of a file name, without what is not printed, at most `limits.NAME` characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    printed = "".join(character for character in last if character.isprintable()).strip()
    stem = Path(printed)
    if len(printed) > limits.NAME:
        printed = printed[: limits.NAME - len(stem.suffix[:8]) - 1] + "…" + stem.suffix[:8]
    return printed or "image"
