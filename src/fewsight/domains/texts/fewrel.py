"""What is FewRel here? Sentences with two marked entities; the class is the relation between them.

Han et al. 2018 and Gao et al. 2019 (FewRel 2.0). Only the files of their validation are read, which are small: 17
relations of newspaper text train, 8 of Wikipedia test. No published figure is comparable.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fewsight.domains.classes import Classes
from fewsight.domains.datadir import DataFile, fetch
from fewsight.domains.domain import ClassDomain
from fewsight.domains.texts.format import TextFormat
from fewsight.domains.texts.lexical import lexical_baselines
from fewsight.domains.texts.tokens import MARKERS
from fewsight.limits import Count

_ADDRESS = "https://raw.githubusercontent.com/thunlp/FewRel/278a2315d2138810a379cd8d5718914dc56e2582/data/"


def _file(name: str, sha256: str) -> DataFile:
    return DataFile("fewrel", name, _ADDRESS + name, f"sha256:{sha256}")


FILES = (
    _file("val_nyt.json", "b519adc61a2bab0f05178e33a3cd8f284338b635629493e9e09616ba81bb428e"),
    _file("val_wiki.json", "76bb44c2485b6faed358a3ce040eadafcc8a8835245cd7e6afc1bef672d4a0bf"),
    _file("pid2name.json", "eeedd25512a8e4c2bc06b78009836d27de81807bcba6ed929debd5cd713c07ea"),
)
SPLIT = {
    "train": [
        "P1056",
        "P108",
        "P1441",
        "P161",
        "P162",
        "P166",
        "P171",
        "P172",
        "P186",
        "P272",
        "P344",
        "P414",
        "P452",
        "P50",
        "P509",
        "P54",
        "P749",
    ],
    "val": ["P2094", "P25", "P40", "P410", "P412", "P413", "P463", "P921"],
    "test": ["P155", "P177", "P206", "P26", "P361", "P364", "P59", "P641"],
}
"""Our division: relations of the newspaper alone, of both files (taken together), of Wikipedia alone."""


def open_fewrel(data: Path | None = None, *, length: Count = 64, tokenizer: str | None = None) -> ClassDomain:
    """FewRel, class-disjoint. `length`, `tokenizer`: see `TextFormat`.

    Raises:
        DataError: a file is corrupt, or absent and not to be had.
    """
    news, wiki, names = (json.loads(path.read_text("utf-8")) for path in fetch(FILES, data))
    form = TextFormat(length, tokenizer=tokenizer)
    classes = {
        part: Classes(
            tuple(names[relation][0] for relation in relations),
            [form.stored(_sentences([*news.get(relation, ()), *wiki.get(relation, ())])) for relation in relations],
        )
        for part, relations in SPLIT.items()
    }
    return ClassDomain("fewrel", form, classes, baselines=lexical_baselines())


def _sentences(examples: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(marked(e["tokens"], e["h"][2][0], e["t"][2][0]) for e in examples))


def marked(words: Sequence[str], head: Sequence[int], tail: Sequence[int]) -> str:
    """A sentence with the markers around both entities.

    Args:
        head, tail: places of their words, in order.
    """
    before: dict[int, str] = {}
    after: dict[int, str] = {}
    for place, (opening, closing) in ((head, MARKERS[:2]), (tail, MARKERS[2:])):
        before[place[0]] = before.get(place[0], "") + f"{opening} "
        after[place[-1]] = f" {closing}" + after.get(place[-1], "")
    return " ".join(before.get(i, "") + word + after.get(i, "") for i, word in enumerate(words))
