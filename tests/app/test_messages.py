"""Both languages of the workbench say the same things, and every sentence that is asked for exists."""

from __future__ import annotations

import json
import re

from fewsight.app.server import STATIC
from fewsight.explain.kinds import KINDS

CATALOGUES = json.loads((STATIC / "messages.json").read_text("utf-8"))


def test_the_languages_have_the_same_keys_and_blanks() -> None:
    english, chinese = CATALOGUES["en"], CATALOGUES["zh"]
    assert english.keys() == chinese.keys()
    for key, sentence in english.items():
        assert sorted(re.findall(r"{\w+}", sentence)) == sorted(re.findall(r"{\w+}", chinese[key])), key


def test_every_sentence_is_used_and_every_one_asked_for_is_there() -> None:
    sources = "".join(file.read_text("utf-8") for file in STATIC.iterdir() if file.suffix in (".js", ".html"))
    asked = set(re.findall(r'(?:data-say(?:-label)?=|say\()"(\w+)"', sources))
    keys = CATALOGUES["en"].keys()
    assert asked <= keys
    # Others are put together (`model_${kind}`), chosen by name, or name a kind of explanation.
    stems = re.findall(r"`(\w+?)_?\$\{", sources) + re.findall(r'"(\w+)"', sources)
    assert [key for key in keys - asked - KINDS.keys() if not key.startswith(tuple(stems))] == []
