"""How do models of the Hugging Face hub come in? By name or folder, from its cache or the net; else one clear line."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from fewsight.domains.texts.tokens import Token
from fewsight.errors import DataError

LONGEST = 20_000
"""Characters of a text that a tokenizer is given; no encoder reads more."""


def pieces(name: str, text: str) -> tuple[list[int], list[Token]]:
    """The pieces of a text by the tokenizer `name`: ids and places, its special tokens among them.

    A text of special tokens only has none. The place of a special token is empty.
    """
    encoded = tokenizer(name)(text[:LONGEST], return_offsets_mapping=True, return_special_tokens_mask=True)
    places = [Token(*place) for place in encoded["offset_mapping"]]
    if all(encoded["special_tokens_mask"]):
        return [], []
    return list(encoded["input_ids"]), places


@cache
def tokenizer(name: str) -> Any:
    """The fast tokenizer of that name or folder.

    Raises:
        DataError: transformers is not installed, or nothing of that name is to be had.
    """
    found = load("AutoTokenizer", name)
    if not found.is_fast:
        raise DataError(f"the tokenizer of {name!r} does not say where its pieces lie: choose a model with a fast one")
    return found


def load(kind: str, name: str, **settings: Any) -> Any:
    """`transformers.<kind>.from_pretrained(name)`; no code of the model's own is ever run.

    Raises:
        DataError: as `tokenizer`.
    """
    try:
        import transformers
    except ModuleNotFoundError:
        raise DataError(f"{name!r} needs transformers: pip install 'fewsight[huggingface]'") from None
    make: Callable[..., Any] = getattr(transformers, kind).from_pretrained
    try:
        return make(name, trust_remote_code=False, **settings)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"cannot have {name!r} from the Hugging Face hub ({reason}): check the name and the connection, or give a "
            "folder that holds it"
        ) from None
