"""What is left of one explanation when it is mailed? A page that needs nothing else: text, picture, and the numbers."""

from __future__ import annotations

import json
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fewsight.explain.explanation import Explanation

STYLE = "body{max-width:60em;margin:2em auto;padding:0 1em}pre{white-space:pre-wrap}img{max-width:100%}"


def page(explanation: Explanation) -> str:
    """What `print` shows, first line first, what `plot` draws, and `to_json` as data that runs nothing."""
    drawn = explanation._repr_png_()
    picture = (
        ""
        if drawn is None
        else f'<img alt="{escape(explanation.question)}" src="data:image/png;base64,{b64encode(drawn).decode()}">\n'
    )
    # In JSON "<" stands in strings only, where it may be written so; then no text can close the element.
    numbers = json.dumps(explanation.to_json(), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en">\n'
        f'<head><meta charset="utf-8"><title>{escape(explanation.question)}</title><style>{STYLE}</style></head>\n'
        f"<body>\n<pre>{escape(str(explanation))}</pre>\n{picture}"
        f'<script type="application/json">{numbers}</script>\n</body>\n</html>\n'
    )
