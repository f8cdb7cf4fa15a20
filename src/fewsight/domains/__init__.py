"""Every domain by name. A domain turns data into tasks; see `domain.Domain` for what each offers."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

from fewsight.domains import digits, omniglot
from fewsight.domains.digits import open_digits
from fewsight.domains.domain import Domain
from fewsight.domains.episodes import Episodes, TaskFamily, generator, prefetch
from fewsight.domains.folder import UserImages, open_folder, read_query, read_support
from fewsight.domains.images import ImageFormat
from fewsight.domains.omniglot import open_omniglot
from fewsight.domains.sinusoid import open_sinusoid
from fewsight.errors import DataError, RecipeError, suggest

DOMAINS: dict[str, Callable[..., Domain]] = {
    "omniglot": open_omniglot,
    "digits": open_digits,
    "folder": open_folder,
    "sinusoid": open_sinusoid,
}
"""Functions of the data directory (None: the usual one) and of the domain's own settings."""

IMAGE_FORMATS = {"omniglot": omniglot.FORMAT, "digits": digits.FORMAT, "folder": ImageFormat()}
"""How models of the image domains see an image, before the domain's own settings."""


def open_domain(name: str, data: Path | None = None, **settings: Any) -> Domain:
    """The domain registered as `name`.

    Args:
        data: the data directory; default `FEWSIGHT_DATA`, else one in the user's cache.
        settings: the domain's own, as its opening function lists them.

    Raises:
        RecipeError: unknown name, or a setting that the domain does not take.
        DataError: its data is corrupt, or absent and not to be had.
    """
    from pydantic import ValidationError, validate_call

    if name not in DOMAINS:
        raise RecipeError(f"unknown domain {name!r}{suggest(name, DOMAINS)}")
    try:
        return validate_call(DOMAINS[name])(data, **settings)
    except ValidationError as error:
        first = error.errors()[0]
        setting, known = str(first["loc"][0]), list(signature(DOMAINS[name]).parameters)[1:]
        hint = "" if setting in known else suggest(setting, known)
        raise RecipeError(f"domain {name!r}, setting {setting!r}: {first['msg']}{hint}") from None


def image_format(name: str, **settings: Any) -> ImageFormat:
    """How models of the domain `name` see an image, known without opening its data: what `read_support` needs.

    Raises:
        DataError: the domain is not one of images.
    """
    if name not in IMAGE_FORMATS:
        raise DataError(f"domain {name!r} does not take images; those that do: {', '.join(IMAGE_FORMATS)}")
    return IMAGE_FORMATS[name]._replace(**{key: settings[key] for key in ImageFormat._fields if key in settings})


__all__ = [
    "DOMAINS",
    "IMAGE_FORMATS",
    "Domain",
    "Episodes",
    "ImageFormat",
    "TaskFamily",
    "UserImages",
    "generator",
    "image_format",
    "open_domain",
    "prefetch",
    "read_query",
    "read_support",
]
