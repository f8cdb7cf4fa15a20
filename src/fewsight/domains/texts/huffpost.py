"""What is HuffPost here? Headlines in 41 sections of the newspaper, 900 each, in the split of Bao et al. 2020.

Bao et al., "Few-shot Text Classification with Distributional Signatures": lower-cased and tokenised headlines of the
News Category Dataset (Misra 2018). Labels are noisy, and two sections are near-synonyms on both sides of the split
(world post, twice in training).
"""

from __future__ import annotations

import json
from pathlib import Path

from fewsight.domains.classes import Classes
from fewsight.domains.datadir import DataFile, fetch
from fewsight.domains.domain import ClassDomain
from fewsight.domains.texts.format import TextFormat
from fewsight.domains.texts.lexical import lexical_baselines
from fewsight.limits import Count

HEADLINES = DataFile(
    "huffpost",
    "huffpost.json",
    "https://raw.githubusercontent.com/ws-jiang/MetaPrompter_public/"
    "dea17d573a5eb4f31b3366ba1fe88b1beb865c50/data/huffpost.json",
    "sha256:2485569669dd7ec5bf1e2f7468568a1d019faeb9941205bc9fb7edae93c488d6",
)
SECTIONS = (
    *("politics", "wellness", "entertainment", "travel", "style and beauty"),
    *("parenting", "healthy living", "queer voices", "food and drink", "business", "comedy", "sports", "black voices"),
    *("home and living", "parents", "the world post", "weddings", "women", "impact", "divorce", "crime", "media"),
    *("weird news", "green", "world post"),
    *("religion", "style", "science", "world news", "taste", "technology", "money", "arts", "fifty", "good news"),
    *("arts and culture", "environment", "college", "latino voices", "culture and arts", "education"),
)
"""By label."""
SPLIT = {"train": range(5, 25), "val": range(5), "test": range(25, 41)}
"""Labels of each split, as published."""


def open_huffpost(
    data: Path | None = None, *, length: Count = 32, lower: bool = True, tokenizer: str | None = None
) -> ClassDomain:
    """HuffPost headlines; a class is a section. `length`, `lower`, `tokenizer`: see `TextFormat`.

    Raises:
        DataError: the file is corrupt, or absent and not to be had.
    """
    (path,) = fetch((HEADLINES,), data)
    texts: list[list[str]] = [[] for _ in SECTIONS]
    for line in path.read_text("utf-8").splitlines():
        headline = json.loads(line)
        texts[headline["label"]].append(headline["raw"])
    form = TextFormat(length, lower=lower, tokenizer=tokenizer)
    classes = {
        part: Classes(
            tuple(SECTIONS[label] for label in labels),
            [form.stored(list(dict.fromkeys(texts[label]))) for label in labels],
        )
        for part, labels in SPLIT.items()
    }
    return ClassDomain("huffpost", form, classes, baselines=lexical_baselines())
