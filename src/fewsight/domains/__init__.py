"""Every domain by name. A domain turns data into tasks; see `domain.Domain` for what each offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from fewsight.baselines import Baseline, defaults
from fewsight.domains.domain import ClassDomain, Domain, GivenDomain
from fewsight.domains.episodes import Episodes, TaskFamily, generator, prefetch
from fewsight.domains.format import GUESSED, Columns, Examples, Format, format_record, offers
from fewsight.domains.images.bccd import open_bccd
from fewsight.domains.images.caltech import open_caltech
from fewsight.domains.images.digits import open_digits
from fewsight.domains.images.folder import open_folder, read_query, read_support
from fewsight.domains.images.format import ImageFormat
from fewsight.domains.images.mednist import open_mednist
from fewsight.domains.images.omniglot import open_omniglot
from fewsight.domains.molecules.assays import open_muv, open_sider, open_tox21, open_toxcast
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.molecules.fsmol import open_fsmol
from fewsight.domains.plugin import Openers
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.rows.german_credit import open_german_credit
from fewsight.domains.rows.heart_disease import open_heart_disease
from fewsight.domains.rows.parkinsons import open_parkinsons
from fewsight.domains.rows.uci import open_uci
from fewsight.domains.sinusoid import open_sinusoid
from fewsight.domains.tables.table import KINDS, guess_kind, open_table
from fewsight.domains.texts.clinc import open_clinc
from fewsight.domains.texts.fewrel import open_fewrel
from fewsight.domains.texts.format import TextFormat
from fewsight.domains.texts.huffpost import open_huffpost
from fewsight.errors import DataError, RecipeError, suggest

DOMAINS: Openers = Openers(
    {
        "omniglot": open_omniglot,
        "digits": open_digits,
        "caltech101": open_caltech,
        "bccd": open_bccd,
        "mednist": open_mednist,
        "folder": open_folder,
        "table": open_table,
        "clinc150": open_clinc,
        "huffpost": open_huffpost,
        "fewrel": open_fewrel,
        "sinusoid": open_sinusoid,
        "tox21": open_tox21,
        "sider": open_sider,
        "muv": open_muv,
        "toxcast": open_toxcast,
        "fsmol": open_fsmol,
        "heart_disease": open_heart_disease,
        "parkinsons": open_parkinsons,
        "german_credit": open_german_credit,
        "uci": open_uci,
    }
)
"""Functions of the data directory (None: the usual one) and of the domain's own settings."""

FORMATS: dict[str, Callable[..., Format]] = {
    "images": ImageFormat,
    "texts": TextFormat,
    "rows": RowFormat,
    "molecules": MoleculeFormat,
}
"""By kind of input: how its models see raw ones."""


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
        if first["type"].startswith("missing"):
            raise RecipeError(
                f"domain {name!r} needs its setting {setting!r}: write it into section domain of a recipe"
            ) from None
        hint = "" if setting in known else suggest(setting, known)
        raise RecipeError(f"domain {name!r}, setting {setting!r}: {first['msg']}{hint}") from None


def simple_methods(form: Format) -> Mapping[str, Baseline]:
    """Those that belong beside a model of such inputs in every report."""
    return KINDS[form.kind].baselines() if form.kind in KINDS else defaults()


def read_format(record: dict[str, Any] | None) -> Format:
    """The format that a run keeps: its kind and settings.

    Raises:
        DataError: the run's domain takes no inputs of a user's own, or the record is of no known kind.
    """
    if record is None:
        raise DataError("this run's tasks are made, not read (sine waves): it takes no inputs of your own")
    settings = dict(record)
    kind = settings.pop("kind", None)
    if kind not in FORMATS:
        raise DataError(f"this run reads inputs of the kind {kind!r}, which this version does not know")
    try:
        return FORMATS[kind](**settings)
    except (TypeError, ValueError) as error:
        raise DataError(f"the run's record of how it reads {kind} is damaged ({error})") from None


__all__ = [
    "DOMAINS",
    "FORMATS",
    "GUESSED",
    "ClassDomain",
    "Columns",
    "Domain",
    "Episodes",
    "Examples",
    "Format",
    "GivenDomain",
    "ImageFormat",
    "TaskFamily",
    "format_record",
    "generator",
    "guess_kind",
    "offers",
    "open_domain",
    "prefetch",
    "read_format",
    "read_query",
    "read_support",
    "simple_methods",
]
