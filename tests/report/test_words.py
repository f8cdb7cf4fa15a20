"""Is every sentence there, and is every sentence used?"""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewsight.explain.kinds import KINDS
from fewsight.report.numerals import percent, plain, points, signed
from fewsight.report.words import CATALOGUES, Words

PREFIXES = (
    "kind_",
    "term_",
    "semantics_",
    "series_",
    "row_",
    "column_",
    "light_",
    "waterfall_",
    "ranking_",
    "rest_",
    "count_",
    "part_",
)
"""Keys put together in the code."""
CATALOGUED = ("english", "chinese")
"""How the names of the files with the sentences begin."""


def sources() -> str:
    folder = files("fewsight.report")
    code = [path for path in folder.iterdir() if path.name.endswith(".py") and not path.name.startswith(CATALOGUED)]
    pages = [path for path in (folder / "templates").iterdir() if path.name.endswith(".j2")]
    return "\n".join(path.read_text(encoding="utf-8") for path in (*code, *pages))


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_sentence_is_there_and_used(language: str) -> None:
    keys, text = set(CATALOGUES[language]), sources()
    counted = {re.sub(r"_(one|many)$", "", key) for key in keys}
    asked = set(re.findall(r'words\(\s*"(\w+)"', text)) | {
        f"{k}_many" for k in re.findall(r'words\.count\(\s*"(\w+)"', text)
    }
    assert asked <= keys
    quoted = set(re.findall(r'"(\w+)"', text))
    assert {key for key in counted - quoted if not key.startswith(PREFIXES)} == set()


def test_every_kind_of_explanation_has_a_name_for_readers() -> None:
    words = Words()
    assert [kind for kind in KINDS if words.kind(kind) == kind.replace("_", " ") or words.term(kind) == kind] == []
    assert words.kind("something_new") == "something new"


def test_counts_choose_the_sentence_and_blanks_must_be_filled() -> None:
    words = Words()
    assert words.count("classes_rest", 1) == "1 other class"
    assert words.count("classes_rest", 7) == "7 other classes"
    assert words("for", label="{count}") == "For “{count}”"
    with pytest.raises(KeyError):
        words("for")


@given(st.floats(-1e6, 1e6))
def test_printed_numbers_read_back(value: float) -> None:
    for text in (signed(value), plain(value)):
        read = float(text.replace("−", "-"))
        assert read == pytest.approx(value, rel=0.06, abs=1e-6)
    assert signed(value)[0] in "+−"
    assert float(points(value).replace("−", "-")) == pytest.approx(100 * value, abs=0.051)


def test_figures_side_by_side_share_their_decimals() -> None:
    assert [signed(value, 0.55) for value in (0.55, -0.0891, 0.00058)] == ["+0.550", "−0.089", "+0.001"]
    assert signed(28.577, 28.577) == "+28.58"
    assert (signed(float("nan")), plain(float("nan"))) == ("n/a", "n/a")


def test_percentages_do_not_claim_the_ends() -> None:
    assert [percent(share) for share in (0.0, 1e-5, 0.5, 0.99999, 1.0)] == [
        "0.0%",
        "<0.1%",
        "50.0%",
        ">99.9%",
        "100.0%",
    ]
