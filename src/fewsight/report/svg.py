"""How is a chart drawn that needs no script and stays readable on a phone? SVG whose text keeps its size.

Widths are percentages of the page and heights are pixels, so a narrow screen squeezes bars and never letters. Every
value is escaped on its way in.
"""

from __future__ import annotations

from markupsafe import Markup, escape


def element(tag: str, *children: str, **attributes: str | float | None) -> Markup:
    """`<tag attributes>children</tag>`; `class_` is written `class`, `text_anchor` `text-anchor`, None not at all."""
    given = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    text = "".join(f' {name}="{escape(_plain(value))}"' for name, value in given.items())
    return Markup(f"<{tag}{text}>{''.join(escape(child) for child in children)}</{tag}>")


def chart(name: str, title: str, description: str, *marks: str, height: float) -> Markup:
    """One picture with its text alternative; `name` must be unique on the page."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *marks,
        class_="chart",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        width="100%",
        height=height,
    )


def percent(share: float) -> str:
    return f"{100 * share:.3f}%"


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
