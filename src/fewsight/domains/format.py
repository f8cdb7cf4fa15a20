"""How does a model see what a person brings? A format turns raw inputs (files, texts, molecules, rows) into tensors.

It is small and plain: a run keeps it as JSON, so that a trained model reads new data without its training data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from fewsight.task import Support
from fewsight.tree import Tree
from fewsight.variants import Offers
from fewsight.view import View


class Columns(NamedTuple):
    """Which columns of a table file mean what; None: guessed (input, label) or absent.

    Attributes:
        input: the text or the molecule; feature columns are all that mean nothing else.
        label: the class, or the value in regression.
        task, split: the task a row belongs to, and its part: "train", "val" or "test".
        group: who or what the row is about, for figures by group.
    """

    input: str | None = None
    label: str | None = None
    task: str | None = None
    split: str | None = None
    group: str | None = None


GUESSED = Columns()
"""No column is named: all are guessed."""


@dataclass(frozen=True, eq=False)
class Examples:
    """What a person brought, as the model sees it and as people see it.

    Attributes:
        x: inputs, a tree of tensors `(n, ...)`.
        names: of each, as its owner knows it (a file name, "row 3").
        views: how each is shown.
        notes: what was done to them that the owner should know, a sentence each.
        labels: of each, where the table has them; a model never sees those of queries.
        groups: of each, where a group column was named.
    """

    x: Tree
    names: tuple[str, ...]
    views: tuple[View, ...]
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None


@runtime_checkable
class Fits(Protocol):
    """A format that first learns from training inputs what they hold: the columns of rows, their centres and scales."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features it knows; () where the support decides."""
        ...

    def fitted(self, raw: Sequence[Any], names: Sequence[str]) -> Any:
        """The format of inputs like these."""
        ...

    def for_support(self, path: Path, columns: Columns = GUESSED) -> Any:
        """The format for the support set in that file, and for queries beside it."""
        ...


@runtime_checkable
class Compares(Protocol):
    """A format that can say whether a query is like the support at all: the domain in which an answer applies."""

    def nearness(self, support: Examples, queries: Examples) -> list[str]:
        """A sentence for each query: how near it is to what is nearest in the support."""
        ...

    def doubts(self, support: Examples, queries: Examples) -> list[str]:
        """A sentence for each query that is unlike everything in the support."""
        ...


@runtime_checkable
class Identifies(Protocol):
    """A format that knows when two inputs are one thing, however they were written."""

    def keys(self, examples: Examples) -> list[str]:
        """Of each example, equal where they are the same molecule or the same words."""
        ...


@runtime_checkable
class Varies(Protocol):
    """A format that knows small real changes of an input."""

    def offers(self, query: Examples, support: Examples) -> Offers:
        """What there is of the one query, made with what the support examples hold."""
        ...


class Format(Protocol):
    """One kind of input; frozen and comparable."""

    kind: ClassVar[str]
    """"images", "texts", "molecules" or "rows"."""

    @property
    def shape(self) -> Any:
        """Shape of one input, a tree of shapes: `Domain.input_shape`."""
        ...

    def ready(self, stored: Tree) -> Tree:
        """Inputs as a domain keeps them (bytes) as the model takes them (floats)."""
        ...

    def encode(self, raw: Sequence[Any], names: Sequence[str]) -> Examples:
        """Raw inputs as examples.

        Args:
            raw: texts, SMILES, rows by column name, or pictures `(H, W)` / `(H, W, 3)` of uint8.

        Raises:
            DataError: one that cannot be used; its name is said.
        """
        ...

    def read_support(self, path: Path, columns: Columns = GUESSED) -> tuple[Support, Examples]:
        """A support set from a file or folder.

        Raises:
            DataError: it cannot be read, has no labels, or holds something that cannot be used.
        """
        ...

    def read_query(self, path: Path, columns: Columns = GUESSED) -> Examples:
        """Queries from a file or folder; labels there are not looked at. Raises DataError as `read_support`."""
        ...

    def to_json(self) -> dict[str, Any]:
        """All its settings, plain."""
        ...


def offers(form: Format | None, query: Examples, support: Examples) -> Offers | None:
    """Small real changes of the one query, where its format knows any."""
    return form.offers(query, support) if isinstance(form, Varies) else None


def format_record(form: Format | None) -> dict[str, Any] | None:
    """What is kept of a format, as JSON gives it back: its kind and settings; `read_format` makes it again."""
    return None if form is None else json.loads(json.dumps({"kind": form.kind} | form.to_json()))
