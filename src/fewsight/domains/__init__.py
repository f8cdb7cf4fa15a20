"""Every domain by name. A domain turns data into tasks; see `domain.Domain` for what each offers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fewsight.domains.digits import open_digits
from fewsight.domains.domain import Domain
from fewsight.domains.episodes import Episodes, TaskFamily, generator, prefetch
from fewsight.domains.omniglot import open_omniglot
from fewsight.domains.sinusoid import open_sinusoid
from fewsight.errors import RecipeError, suggest

DOMAINS: dict[str, Callable[..., Domain]] = {
    "omniglot": open_omniglot,
    "digits": open_digits,
    "sinusoid": open_sinusoid,
}
"""Functions of the data directory (None: the usual one) and of the domain's own settings."""


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
        raise RecipeError(f"domain {name!r}, setting {first['loc'][0]!r}: {first['msg']}") from None


__all__ = ["DOMAINS", "Domain", "Episodes", "TaskFamily", "generator", "open_domain", "prefetch"]
