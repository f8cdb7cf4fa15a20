"""Both languages of the workbench say the same things, and every sentence that is asked for exists."""

from __future__ import annotations

import re

from fewsight.app.wording import CATALOGUES, STATIC
from fewsight.explain.kinds import KINDS

OF_PYDANTIC = {"string_too_long", "too_long"}
"""What pydantic says is worded anew under the name of its error."""


def test_the_languages_have_the_same_keys_and_blanks() -> None:
    english, chinese = CATALOGUES["en"], CATALOGUES["zh"]
    assert english.keys() == chinese.keys()
    for key, sentence in english.items():
        assert sorted(re.findall(r"{\w+}", sentence)) == sorted(re.findall(r"{\w+}", chinese[key])), key


def test_every_sentence_is_used_and_every_one_asked_for_is_there() -> None:
    files = [*STATIC.iterdir(), *STATIC.parent.iterdir()]
    sources = "".join(file.read_text("utf-8") for file in files if file.suffix in (".js", ".html", ".py"))
    asked = set(
        re.findall(r'(?:data-say(?:-label)?=|say\(|say\(language, |[mM]istake(?:Error)?\()"(\w+)"(?!, key)', sources)
    )
    keys = CATALOGUES["en"].keys()
    assert asked <= keys
    # Others are put together (`model_${kind}`), chosen by name, or name a kind of explanation.
    stems = re.findall(r"(?:`|f\")(\w+?)_?\$?\{", sources) + re.findall(r'"(\w+)"', sources)
    assert [key for key in keys - asked - KINDS.keys() - OF_PYDANTIC if not key.startswith(tuple(stems))] == []
