"""A tiny format for tests of tables: a text is the counts of its vowels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from markupsafe import Markup
from torch import Tensor

from fewsight.domains import Examples
from fewsight.domains.tables.columns import ReadsTables
from fewsight.errors import DataError


@dataclass(frozen=True)
class Line:
    text: str
    wide: bool = True
    parts: tuple[str, ...] = tuple("aeiou")

    def small(self) -> Markup:
        return Markup("<p>{}</p>").format(self.text)

    large = small

    def shaded(self, shares: np.ndarray) -> Markup | None:
        return None


@dataclass(frozen=True)
class Vowels(ReadsTables):
    """Raw items are texts, or rows whose values are joined."""

    kind: ClassVar[str] = "texts"
    shape: tuple[int, ...] = (5,)

    def ready(self, stored: Tensor) -> Tensor:
        return stored

    def encode(self, raw: Sequence[Any], names: Sequence[str]) -> Examples:
        if gone := next((name for name, text in zip(names, raw, strict=True) if text is None), None):
            raise DataError(f"{gone} is empty")
        texts = [" ".join(map(str, text.values())) if isinstance(text, dict) else str(text) for text in raw]
        x = torch.tensor([[float(text.count(vowel)) for vowel in "aeiou"] for text in texts])
        return Examples(x, tuple(names), tuple(map(Line, texts)))

    def to_json(self) -> dict[str, Any]:
        return {}


class Cells(Vowels):
    """The same, of rows."""

    kind: ClassVar[str] = "rows"
