"""How does a model see a text? As tokens, each with the hashes of its character n-grams; or as a tokenizer's pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch

from fewsight.domains.format import Examples
from fewsight.domains.tables.columns import ReadsTables
from fewsight.domains.texts.tokens import Token, gram_ids, normal, tokenize
from fewsight.domains.texts.view import TextView
from fewsight.errors import DataError
from fewsight.tree import Tree
from fewsight.view import cut

STORED = torch.int32
"""Of the ids of a domain at rest: half of what the model takes."""


@dataclass(frozen=True)
class TextFormat(ReadsTables):
    """A `Format` of `length` tokens L: leaves `ids` `(n, L, G)` int64, `mask` `(n, L)` and `size` `(n,)`.

    Attributes:
        length: tokens of a text; what is longer is cut.
        grams: hashes G of a token; 0 where it has fewer.
        lower: whether letters lose their case.
        tokenizer: name or folder of a Hugging Face tokenizer that makes the tokens instead; `ids` are then its own,
            `(n, L)`, and `grams` and `lower` mean nothing.
    """

    kind: ClassVar[str] = "texts"
    length: int = 32
    grams: int = 32
    lower: bool = True
    tokenizer: str | None = None

    @property
    def shape(self) -> dict[str, tuple[int, ...]]:
        ids = (self.length,) if self.tokenizer else (self.length, self.grams)
        return {"ids": ids, "mask": (self.length,), "size": ()}

    def ready(self, stored: Tree) -> Tree:
        """Ids and sizes with the mask that follows from them; what is ready stays as it is."""
        place = torch.arange(self.length)
        mask = (place < stored["size"][:, None]).to(torch.float32)
        return {"ids": stored["ids"].to(torch.int64), "mask": mask, "size": stored["size"]}

    def stored(self, texts: Sequence[str]) -> Tree:
        """Texts as a domain keeps them.

        Raises:
            DataError: one has no usable token.
        """
        return self._packed([self._ids(text, f"text {i}")[0] for i, text in enumerate(texts)])

    def encode(self, raw: Sequence[Any], names: Sequence[str]) -> Examples:
        """Texts as examples; each named in what is wrong with it."""
        if not raw:
            raise DataError("there are no texts: give at least one")
        texts = [_text(item, name) for item, name in zip(raw, names, strict=True)]
        found = [self._ids(text, name) for text, name in zip(texts, names, strict=True)]
        views = tuple(
            TextView(text, tokens[: self.length], len(tokens) > self.length)
            for text, (_, tokens) in zip(texts, found, strict=True)
        )
        long = [name for name, view in zip(names, views, strict=True) if view.cut]
        again = len(texts) - len({tuple(map(tuple, ids)) if not self.tokenizer else tuple(ids) for ids, _ in found})
        notes = []
        if long:
            notes.append(f"{len(long)} of {len(texts)} texts were cut after {self.length} tokens ({long[0]} first)")
        if again:
            notes.append(f"{again} of {len(texts)} texts repeat another one")
        x = self.ready(self._packed([ids for ids, _ in found]))
        return Examples(x, tuple(names), views, tuple(notes))

    def keys(self, examples: Examples) -> list[str]:
        """The words, without what stands between them; of a tokenizer's pieces the text."""
        texts = [view for view in examples.views if isinstance(view, TextView)]
        return [text.text if self.tokenizer else normal(" ".join(text.parts), self.lower) for text in texts]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def _ids(self, text: str, name: str) -> tuple[list[Any], list[Token]]:
        """Ids of the tokens that fit, and all tokens."""
        ids: list[Any]
        if self.tokenizer:
            from fewsight.hub import pieces

            ids, tokens = pieces(self.tokenizer, text)
        else:
            tokens = tokenize(text)
            words = [normal(text[token.start : token.end], self.lower) for token in tokens[: self.length]]
            ids = [gram_ids(word, self.grams) for word in words]
        if not tokens:
            raise DataError(f"{name} has no word to go by ({_excerpt(text)}): give a text with letters or digits")
        return ids[: self.length], tokens

    def _packed(self, ids: Sequence[Sequence[Any]]) -> Tree:
        packed = torch.zeros(len(ids), *self.shape["ids"], dtype=STORED)
        rows = packed.numpy()
        for row, of in zip(rows, ids, strict=True):
            for place, each in enumerate(of):
                if self.tokenizer:
                    row[place] = each
                else:
                    row[place, : len(each)] = each
        return {"ids": packed, "size": torch.tensor([len(of) for of in ids])}


def _text(raw: Any, name: str) -> str:
    if raw is None or raw != raw:
        raise DataError(f"{name}: the text is missing: fill it in, or remove the row")
    return str(raw).encode("utf-8", "replace").decode()


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return repr(cut(line, 30)) if line else "it is empty"
