"""What is every drawing of the page? A picture with a title, and the numbers behind it as a table."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Figure:
    """One drawing.

    Attributes:
        title: what it shows.
        drawing: SVG with its text alternative.
        columns: heads of the table behind it.
        rows: its rows, the name first, printed.
        note: the sentence below: scale, key.
    """

    title: str
    drawing: Markup
    columns: list[str]
    rows: list[list[str]]
    note: str = ""
