"""What does a table file hold? Named columns of CSV, TSV or Parquet, with one clear line about what cannot be read."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

from fewsight.errors import DataError, suggest

DELIMITED = (".csv", ".tsv", ".txt")
PARQUET = (".parquet", ".pq")
SUFFIXES = (*DELIMITED, *PARQUET)
MAX_BYTES = 500_000_000
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What stands for a missing value, in any case of letters."""


def read_table(path: Path) -> dict[str, list[Any]]:
    """Columns by name; each value is a string, a number (Parquet), or None where it is missing.

    Raises:
        DataError: no such file, not a table, no rows, columns without or with the same name, rows of other length.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} is not there or not a file: give a table ({', '.join(SUFFIXES)})")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} is no table that can be read: give one of {', '.join(SUFFIXES)}")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path} is larger than {MAX_BYTES // 1_000_000} MB: give a part of it")
    columns = _parquet(path) if path.suffix.lower() in PARQUET else _delimited(path)
    if not columns:
        raise DataError(f"{path} has no columns: write their names in its first line")
    if not next(iter(columns.values())):
        raise DataError(f"{path} has no rows: add at least one below the names of the columns")
    return columns


def column(table: dict[str, list[Any]], name: str, path: Path) -> list[Any]:
    """Raises DataError where the table has no such column."""
    if name not in table:
        raise DataError(f"{path} has no column {name!r}{suggest(name, table)}")
    return table[name]


def number(value: Any) -> float | None:
    """The number that a value is or spells, finite; None where it is none."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if abs(found) < float("inf") else None


def delimiter(text: str) -> str:
    """What stands between the columns of a table, by its first line: spreadsheets of many countries write ";"."""
    first = text.partition("\n")[0]
    return max(",\t;", key=first.count)  # the comma where there is none


def _delimited(path: Path) -> dict[str, list[Any]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (byte {error.start}): save it as CSV in the encoding UTF-8"
        ) from None
    if "\0" in text:
        raise DataError(f"{path} holds binary data, not text: save it as CSV, or as .parquet if that is what it is")
    try:
        rows = [row for row in csv.reader(StringIO(text, newline=""), delimiter=delimiter(text), strict=True) if row]
    except csv.Error as error:
        raise DataError(f"{path} is not a proper table ({error}): check its quotation marks") from None
    if not rows:
        return {}
    names = [name.strip() for name in rows[0]]
    _check_names(names, path)
    for place, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise DataError(
                f"{path}, row {place}: {len(row)} values for {len(names)} columns: put text with commas into quotation "
                "marks"
            )
    return {name: [_known(row[c]) for row in rows[1:]] for c, name in enumerate(names)}


def _parquet(path: Path) -> dict[str, list[Any]]:
    try:
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise DataError(f"reading {path} needs pyarrow: pip install 'fewsight[parquet]', or save it as CSV") from None
    try:
        table = parquet.ParquetFile(path).read()
        values = {name: table.column(name).to_pylist() for name in table.column_names}
    except Exception as error:  # a damaged file can make a decoder fail in any way
        raise DataError(f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}): save it again") from None
    _check_names(list(table.column_names), path)
    return {name: [_known(value) for value in column] for name, column in values.items()}


def _check_names(names: list[str], path: Path) -> None:
    if blank := [place for place, name in enumerate(names, 1) if not name]:
        raise DataError(f"{path}: column {blank[0]} has no name: write one in the first line")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{path} has two columns named {twice!r}: rename one")


def _known(value: Any) -> Any:
    """The value, without blanks around it; None where it is missing."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value else None
    text = str(value).strip()
    return None if text.casefold() in MISSING else text
