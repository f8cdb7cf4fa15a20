"""How do rows of a table become a task? One column is the text or molecule (or all others the features), one the label.

Columns that nobody named are guessed, and the guess is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from fewsight.domains.format import GUESSED, Columns, Examples, Fits, Format
from fewsight.domains.tables.file import SUFFIXES, column, number, read_table
from fewsight.errors import DataError
from fewsight.task import Support
from fewsight.view import cut

INPUTS = {
    "texts": ("text", "sentence", "utterance", "query", "title"),
    "molecules": ("smiles", "canonical_smiles", "mol"),
}
"""By kind of input: the names a column of inputs usually has."""
LABELS = ("label", "class", "category", "intent", "target", "activity", "y", "value")
"""The names a column of labels usually has."""
SHOWN = 28
"""Characters of a text in the name of its row."""
LACKING = ("label", "task", "split")
"""Roles of columns that queries may lack."""
TASKS, SPLITS, GROUPS = ("task", "assay", "dataset"), ("split", "set", "fold"), ("group",)


class Rows(NamedTuple):
    """The rows of a table.

    Attributes:
        raw: inputs; names: "row 2" and so on, as a spreadsheet counts them.
        labels: strings or numbers; None where there is no such column.
        columns: what each column was taken for.
        notes: what was guessed.
    """

    raw: list[Any]
    names: tuple[str, ...]
    labels: list[Any] | None
    columns: Columns
    table: Mapping[str, list[Any]]
    notes: tuple[str, ...]

    def of(self, name: str | None) -> list[Any] | None:
        return None if name is None else self.table[name]


def rows(path: Path, kind: str, columns: Columns, *, asked: bool = False, known: Collection[str] = ()) -> Rows:
    """The rows of a table file.

    Args:
        kind: of the input: "texts", "molecules", or "rows", which takes all columns that mean nothing else.
        known: features that the model knows, which mean nothing else unless so named.
        asked: the rows are queries, which may lack the columns of labels, tasks and splits.

    Raises:
        DataError: it cannot be read, or has no column of inputs.
    """
    if kind == "rows" and columns.input is not None:
        raise DataError(
            f"column {columns.input!r} was named as the input, but rows take all their columns: leave out --input"
        )
    table = read_table(path)
    if asked:
        columns = columns._replace(**{role: None for role in LACKING if getattr(columns, role) not in table})
    for name in columns:
        if name is not None:
            column(table, name, path)
    free = {name: values for name, values in table.items() if name not in known}
    meant = Columns(
        columns.input or (None if kind == "rows" else _input(table, kind, path)),
        columns.label or usual_column(free, LABELS),
        columns.task or usual_column(free, TASKS),
        columns.split or usual_column(free, SPLITS),
        columns.group or usual_column(free, GROUPS),
    )
    guessed = [
        f"column {now!r} was taken for the {role}"
        for role, now, given in zip(Columns._fields, meant, columns, strict=True)
        if now != given
    ]
    others = [name for name in table if name not in meant]
    if kind == "rows" and not others:
        raise DataError(f"{path} has no feature columns: {', '.join(table)} mean something else")
    size = len(next(iter(table.values())))
    raw = table[meant.input] if meant.input else [{name: table[name][i] for name in others} for i in range(size)]
    names = tuple(f"row {i + 2}" for i in range(size))
    return Rows(raw, names, None if meant.label is None else table[meant.label], meant, table, tuple(guessed))


class ReadsTables:
    """The reading half of a `Format` whose raw inputs are columns of tables."""

    def read_support(self: Format, path: Path, columns: Columns = GUESSED) -> tuple[Support, Examples]:
        return read_support(self, path, columns)

    def read_query(self: Format, path: Path, columns: Columns = GUESSED) -> Examples:
        return read_query(self, path, columns)


def read_support(form: Format, path: Path, columns: Columns) -> tuple[Support, Examples]:
    """A support set from a table; see `as_values` for which are values to predict.

    Raises:
        DataError: no labels, or rows without one.
    """
    found = rows(Path(path), form.kind, columns, known=_features(form))
    if found.labels is None:
        raise DataError(
            f"{path} has no column of labels: name one 'label', or say which it is (--label); columns: "
            f"{', '.join(found.table)}"
        )
    labels = list(found.labels)
    if blank := next((name for name, label in zip(found.names, labels, strict=True) if label is None), None):
        raise DataError(f"{path}, {blank}: the label is missing: fill it in, or remove the row")
    examples = _encoded(form, found)
    if (values := as_values(labels, found.columns.label)) is not None:
        return Support.of(examples.x, torch.tensor(values, dtype=torch.float32)), examples
    classes = tuple(dict.fromkeys(map(str, labels)))
    if len(classes) < 2:
        raise DataError(f"{path} has one class only ({classes[0]!r}): give examples of two or more")
    return Support.of(examples.x, [str(label) for label in labels], classes=classes), examples


def read_query(form: Format, path: Path, columns: Columns) -> Examples:
    """Queries from a table, or the text or molecule itself where `path` is no table's name.

    Raises:
        DataError: what cannot be used as a query.
    """
    given = str(path)
    if form.kind != "rows" and given == ".":  # what an empty path is
        raise DataError("the query is empty: give a text or molecule, or a table of them")
    if form.kind != "rows" and Path(path).suffix.lower() not in SUFFIXES and not _exists(Path(path)):
        return form.encode([given], [cut(given, 40)])
    return _encoded(form, rows(Path(path), form.kind, columns, asked=True, known=_features(form)))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a long text is no name that a file could have
        return False


def as_values(labels: Sequence[Any], name: str | None) -> list[float] | None:
    """Labels as values to predict, where all are numbers and the column is called "value" or some are no whole ones."""
    found = [number(label) for label in labels]
    if None in found or not (name == "value" or any(value != int(value) for value in found if value is not None)):
        return None
    return [value for value in found if value is not None]


def _encoded(form: Format, found: Rows) -> Examples:
    examples = form.encode(found.raw, found.names)
    groups = found.of(found.columns.group)
    return replace(
        examples,
        names=tuple(_told(name, raw) for name, raw in zip(found.names, found.raw, strict=True)),
        notes=(*found.notes, *examples.notes),
        labels=None if found.labels is None or None in found.labels else tuple(map(str, found.labels)),
        groups=None if groups is None else tuple(map(str, groups)),
    )


def _features(form: Format) -> tuple[str, ...]:
    return form.names if isinstance(form, Fits) else ()


def _told(name: str, raw: Any) -> str:
    """The name of a row, with the beginning of its text or molecule."""
    return f"{name}: {cut(' '.join(raw.split()), SHOWN)}" if isinstance(raw, str) else name


def _input(table: Mapping[str, list[Any]], kind: str, path: Path) -> str:
    if found := usual_column(table, INPUTS[kind]):
        return found
    raise DataError(
        f"{path} has no column named {' or '.join(map(repr, INPUTS[kind][:2]))}: say which holds the {kind} (--input); "
        f"columns: {', '.join(table)}"
    )


def usual_column(table: Mapping[str, Sequence[Any]], usual: Sequence[str]) -> str | None:
    """The column of a table that has one of the usual names, in any case of letters."""
    known = {name.casefold(): name for name in table}
    return next((known[name] for name in usual if name in known), None)
