"""Which queries are labelled, and who belongs to which group? Read from folder names and from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from fewsight.domains.tables.file import delimiter
from fewsight.errors import DataError

SETS = ("query", "support")


def folder_labels(names: Sequence[str], classes: Sequence[str]) -> tuple[str, ...] | None:
    """The class folder that each query lies in, `ring/3.png` in "ring"; None where none lies in the folder of a class.

    Raises:
        DataError: some lie in class folders and some do not.
    """
    folders = [name.split("/")[0] if "/" in name else "" for name in names]
    outside = [name for name, folder in zip(names, folders, strict=True) if folder not in classes]
    if len(outside) == len(names):
        return None
    if outside:
        raise DataError(
            f"query {outside[0]} lies in no folder of a support class ({', '.join(classes)}) but others do: "
            "label all queries by their folder, or none"
        )
    return tuple(folders)


def read_groups(
    path: Path, queries: Sequence[str], support: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """The group of each query, and of each support example where the file names any.

    The file is CSV with the columns "file" (a path within its folder) and "group", and optionally "set" ("query", the
    default, or "support").

    Raises:
        DataError: no such file, a column that is missing, a file that is unknown, listed twice or without a group.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        table = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter(text), strict=True)
        columns, rows = list(table.fieldnames or ()), list(table)
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"cannot read the groups file {path}: {getattr(error, 'strerror', None) or error}") from error
    if missing := [name for name in ("file", "group") if name not in columns]:
        raise DataError(
            f"{path} has no column {missing[0]!r} (it has {', '.join(map(repr, columns)) or 'none'}): "
            "give the columns file and group, and set (query or support) where support examples have groups too"
        )
    known = {"query": set(queries), "support": set(support)}
    found: dict[str, dict[str, str]] = {name: {} for name in SETS}
    for line, row in enumerate(rows, 2):
        which, name, group = (row.get("set") or "query", row["file"] or "", row["group"] or "")
        if which not in SETS:
            raise DataError(f"{path}, line {line}: set is {which!r}; give query or support")
        if name not in known[which]:
            raise DataError(f"{path}, line {line}: there is no {which} file {name!r}")
        if name in found[which]:
            raise DataError(f"{path}, line {line}: {which} file {name!r} is listed twice")
        if not group:
            raise DataError(f"{path}, line {line}: {which} file {name!r} has no group")
        found[which][name] = group
    for which, names in (("query", queries), ("support", support if found["support"] else ())):
        if left := [name for name in names if name not in found[which]]:
            raise DataError(f"{path} gives no group for {which} file {left[0]!r} ({len(left)} in all): list each")
    sides = tuple(found["support"][name] for name in support) if found["support"] else None
    return tuple(found["query"][name] for name in queries), sides
