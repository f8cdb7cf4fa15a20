"""How does an item reach the screen? As a picture under a data address: the page itself may hold no drawing.

Pictures and SVG become addresses for `<img>`; texts have none, for their words say it all.
"""

from __future__ import annotations

import base64
from typing import Any

from markupsafe import Markup

from fewsight.app.store import Item
from fewsight.picture import SMALL, Picture
from fewsight.report import palette
from fewsight.view import View


def shown(item: Item, view: View) -> dict[str, Any]:
    """An item as the API tells it; `picture` is a data address or null, `raw` what was written (null for images)."""
    small = view.address(SMALL) if isinstance(view, Picture) else address(view.small())
    raw = None if isinstance(view, Picture) else item.raw
    return {"item": item.id, "name": item.name, "text": view.text, "picture": small, "raw": raw}


def address(markup: Markup | None) -> str | None:
    """An SVG as a picture that stands alone: with its namespace, and the colours that it would find on the page."""
    if markup is None or not markup.startswith("<svg "):
        return None
    head, rest = str(markup).split(">", 1)
    svg = f'{head} xmlns="http://www.w3.org/2000/svg"><style>{palette.style()}</style>{rest}'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
