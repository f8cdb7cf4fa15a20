"""What is CLINC150 here? 150 intents of what people ask an assistant, 150 sentences each, and what is none of them.

Larson et al. 2019, "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction". Its own parts are for
full supervision; here whole domains of intents are kept apart, so that no meaning seen in training comes back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from fewsight.domains.classes import Classes
from fewsight.domains.datadir import DataFile, fetch
from fewsight.domains.divided import divided
from fewsight.domains.domain import ClassDomain
from fewsight.domains.texts.format import TextFormat
from fewsight.domains.texts.lexical import lexical_baselines
from fewsight.limits import Count
from fewsight.tree import Tree

_ADDRESS = "https://raw.githubusercontent.com/clinc/oos-eval/828f8093932c8fe6ca7936c3d2e52903b1c523de/data/"
FILES = (
    DataFile(
        "clinc150",
        "data_full.json",
        _ADDRESS + "data_full.json",
        "sha256:36923c3705a59e08fe9c3883d8bc2dd966ef93e22cb78ac41171782a698d56e0",
    ),
    DataFile(
        "clinc150",
        "domains.json",
        _ADDRESS + "domains.json",
        "sha256:b947b579d3b8e74b06f93b01083d8efaff2888b43a3e362533bd88a6e1211b3a",
    ),
)
DOMAINS = {
    "train": ("banking", "credit_cards", "home", "small_talk", "travel", "utility"),
    "val": ("meta", "work"),
    "test": ("auto_and_commute", "kitchen_and_dining"),
}
"""Our division into 90, 30 and 30 intents; none is published."""
PARTS = ("train", "val", "test")


def open_clinc(
    data: Path | None = None,
    *,
    split: Literal["domains", "random"] = "domains",
    length: Count = 32,
    lower: bool = True,
    tokenizer: str | None = None,
) -> ClassDomain:
    """CLINC150; a class is an intent.

    Args:
        split: "domains" keeps whole domains apart; "random" divides the intents regardless of them.
        length, lower, tokenizer: see `TextFormat`.

    Raises:
        DataError: a file is corrupt, or absent and not to be had.
    """
    texts, domains = _read(data)
    by_intent: dict[str, list[str]] = {}
    for part in PARTS:
        for text, intent in texts[part]:
            by_intent.setdefault(intent, []).append(text)
    if split == "random":
        intents = divided(by_intent)
    else:
        intents = {part: [intent for domain in DOMAINS[part] for intent in domains[domain]] for part in PARTS}
    form = TextFormat(length, lower=lower, tokenizer=tokenizer)
    classes = {
        part: Classes(tuple(of), [form.stored(list(dict.fromkeys(by_intent[intent]))) for intent in of])
        for part, of in intents.items()
    }
    return ClassDomain("clinc150", form, classes, baselines=lexical_baselines())


def out_of_scope(form: TextFormat, part: Literal["train", "val", "test"] = "test", data: Path | None = None) -> Tree:
    """Inputs `(n, ...)` that belong to no intent: 100 of "train", 100 of "val", 1,000 of "test"."""
    texts, _ = _read(data)
    return form.ready(form.stored([text for text, _ in texts[f"oos_{part}"]]))


def _read(data: Path | None) -> tuple[dict[str, Any], dict[str, list[str]]]:
    texts, domains = (json.loads(path.read_text("utf-8")) for path in fetch(FILES, data))
    return texts, domains
