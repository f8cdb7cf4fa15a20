"""How do your own texts, molecules or rows come in? As a CSV, TSV or Parquet table with a column of labels.

The same table can be the support set of one task, or, with enough classes or tasks, a domain to meta-train on
(`open_domain("table", path=...)`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fewsight.baselines import Baseline
from fewsight.domains.divided import SHARES
from fewsight.domains.domain import ClassDomain, GivenDomain
from fewsight.domains.format import Columns, Format
from fewsight.domains.molecules.fingerprints import on_fingerprints
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.rows.shared import baselines as row_baselines
from fewsight.domains.tables.columns import INPUTS, usual_column
from fewsight.domains.tables.file import read_table
from fewsight.domains.tables.own import own_domain
from fewsight.domains.texts.format import TextFormat
from fewsight.domains.texts.lexical import lexical_baselines
from fewsight.errors import RecipeError, suggest


class Kind(NamedTuple):
    """What is known of a kind of input: its usual format, and the simple methods beside it."""

    form: Callable[[], Format]
    baselines: Callable[[], Mapping[str, Baseline]]


KINDS: dict[str, Kind] = {
    "texts": Kind(TextFormat, lexical_baselines),
    "molecules": Kind(MoleculeFormat, on_fingerprints),
    "rows": Kind(RowFormat, row_baselines),
}


def guess_kind(path: Path) -> str:
    """The kind of input of a table, by the names of its columns: of texts, of SMILES, else rows of features.

    Raises:
        DataError: the table cannot be read.
    """
    table = read_table(path)
    return next((kind for kind, names in INPUTS.items() if usual_column(table, names)), "rows")


def open_table(
    data: Path | None = None,
    *,
    path: str | Path,
    kind: str | None = None,
    input: str | None = None,
    label: str | None = None,
    task: str | None = None,
    split: str | None = None,
    shares: Sequence[float] = SHARES,
) -> ClassDomain | GivenDomain:
    """The domain of a user's table; see `own` for what its columns decide.

    Args:
        kind: "texts", "molecules" or "rows"; default: guessed by the names of the columns.
        input, label, task, split: the columns that hold these; default: those of the usual names.
        shares: of classes (or tasks) for training, validation and test, where no column says.

    Raises:
        RecipeError: an unknown kind.
        DataError: the table cannot be read, or lacks what is needed.
    """
    kind = kind or guess_kind(Path(path))
    if kind not in KINDS:
        raise RecipeError(f"unknown kind {kind!r}{suggest(kind, KINDS)}")
    known, columns = KINDS[kind], Columns(input, label, task, split)
    return own_domain("table", known.form(), Path(path), columns, shares, baselines=known.baselines())
