"""How does a person's own table become a domain to meta-train on? By its label, task and split columns.

With a column of tasks, each is a task of the world and its labels are its classes (or values); without one, classes are
drawn from, as in a folder of images. Molecules and texts that come twice are merged (see `repeats`). With a column of
splits that decides what is trained and tested on; without one, names are divided (see `divided`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from fewsight import tree
from fewsight.domains.classes import Classes
from fewsight.domains.divided import SHARES, divided
from fewsight.domains.domain import ClassDomain, GivenDomain
from fewsight.domains.format import Columns, Fits, Format, Identifies
from fewsight.domains.given import Given
from fewsight.domains.tables.columns import Rows, as_values, rows
from fewsight.domains.tables.repeats import merged
from fewsight.errors import DataError

SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val"} | {
    "test": "test"
}


def own_domain(
    name: str, form: Format, path: Path, columns: Columns, shares: Sequence[float] = SHARES, **options: Any
) -> ClassDomain | GivenDomain:
    """The domain of a user's table.

    Args:
        options: further attributes of the domain (metrics, baselines).

    Raises:
        DataError: it cannot be read, has no labels, or a class or task lies in two splits.
    """
    found = rows(path, form.kind, columns)
    if found.labels is None:
        raise DataError(
            f"{path} has no column of labels: name one 'label', or say which it is (--label; label = in a recipe)"
        )
    kept = [i for i, label in enumerate(found.labels) if label is not None]
    if not kept:
        raise DataError(f"{path} has no row with a label: fill in its column {found.columns.label!r}")
    raw, names = [found.raw[i] for i in kept], [found.names[i] for i in kept]
    labels = [found.labels[i] for i in kept]
    tasks_of = found.of(found.columns.task)
    values = as_values(labels, found.columns.label) if tasks_of is not None else None
    known: dict[int, Any] = dict(enumerate(labels if values is None else values))
    notes: tuple[str, ...] = found.notes
    examples = None if isinstance(form, Fits) else form.encode(raw, names)
    if examples is not None and isinstance(form, Identifies):
        scopes = ["" if tasks_of is None else str(tasks_of[i]) for i in kept]
        known, said = merged(scopes, form.keys(examples), labels, values)
        notes += said
    owner = found.labels if tasks_of is None else tasks_of
    members: dict[str, list[int]] = defaultdict(list)
    for place in known:
        members[str(owner[kept[place]])].append(place)
    parts = _parts(found, kept, members, shares, path)
    if isinstance(form, Fits):
        seen = [place for each in parts["train"] for place in members[each]]
        form = form.fitted([raw[place] for place in seen], [names[place] for place in seen])
    inputs = (examples or form.encode(raw, names)).x
    if tasks_of is None:
        classes = {
            part: Classes(tuple(of), [tree.take(inputs, torch.tensor(members[each])) for each in of])
            for part, of in parts.items()
        }
        return ClassDomain(name, form, classes, notes=notes, **options)
    given: dict[str, Given] = {}
    for each, places in members.items():
        x = tree.take(inputs, torch.tensor(places))
        if values is None:
            classes_of = tuple(sorted({str(known[place]) for place in places}))
            if len(classes_of) < 2:
                raise DataError(
                    f"{path}: task {each!r} has one class only ({classes_of[0]!r}): add rows of another, remove it, or "
                    f"say which column tells tasks apart (now {found.columns.task!r})"
                )
            y = torch.tensor([classes_of.index(str(known[place])) for place in places])
            given[each] = Given(each, x, y, classes_of)
        else:
            given[each] = Given(each, x, torch.tensor([[known[place]] for place in places], dtype=torch.float32))
    tasks = {part: [given[each] for each in of] for part, of in parts.items()}
    return GivenDomain(name, form, tasks, outputs=None if values is None else 1, notes=notes, **options)


def _parts(
    found: Rows, kept: Sequence[int], members: dict[str, list[int]], shares: Sequence[float], path: Path
) -> dict[str, list[str]]:
    """Classes or tasks by split."""
    splits = found.of(found.columns.split)
    if splits is None:
        return divided(members, shares)
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for each, places in sorted(members.items()):
        said = {str(splits[kept[place]]).casefold() for place in places}
        if unknown := sorted(said - SPLITS.keys()):
            raise DataError(f"{path}: split {unknown[0]!r} of {each!r} is not train, val or test")
        where = {SPLITS[name] for name in said}
        if len(where) > 1:
            raise DataError(f"{path}: {each!r} lies in two splits ({' and '.join(sorted(where))}): give it one")
        parts[where.pop()].append(each)
    return parts
