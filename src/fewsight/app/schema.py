"""What does the API take? The bodies of its requests; sizes are bounded here, before any work is done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fewsight.app import limits
from fewsight.errors import DataError


class FieldError(DataError):
    """What is wrong with one field of a request; `where` names it as `items.3` or `examples.0.label`."""

    def __init__(self, sentence: str, where: str) -> None:
        super().__init__(sentence)
        self.where = where


def _label(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("give the class a name")
    if not text.isprintable():
        raise ValueError("a class name is one line of text")
    return text


def _raw(raw: str | dict[str, Any]) -> str | dict[str, Any]:
    if isinstance(raw, str):
        if len(raw) > limits.TEXT:
            raise ValueError(f"at most {limits.TEXT} characters are read: shorten it")
        return raw
    if len(raw) > limits.COLUMNS:
        raise ValueError(f"a row has at most {limits.COLUMNS} columns")
    for name, value in raw.items():
        if not (value is None or isinstance(value, str | int | float)):
            raise ValueError(f"column {name[:40]!r}: give a text, a number or nothing")
        if max(len(name), len(str(value))) > limits.CELL:
            raise ValueError(f"column {name[:40]!r}: at most {limits.CELL} characters are read: shorten it")
    return raw


Label = Annotated[str, Field(max_length=limits.LABEL), AfterValidator(_label)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Language = Literal["en", "zh"]
Raw = Annotated[str | dict[str, Any], AfterValidator(_raw)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Given(_Strict):
    """A text, a SMILES, or a row from column name to value; `name` is what its owner calls it."""

    raw: Raw
    name: Annotated[str, Field(max_length=1000)] = ""


class GivenItems(_Strict):
    """Texts, molecules or rows; all are taken, or none."""

    items: Annotated[list[Given], Field(min_length=1, max_length=limits.ITEMS)]


class Example(_Strict):
    """One labelled item of a support set; `on` false: as if never given. In regression, `label` is the value."""

    item: Id
    label: Label
    on: bool = True


class SupportSet(_Strict):
    """The labelled examples of a task."""

    examples: Annotated[list[Example], Field(max_length=limits.EXAMPLES)]


class Question(SupportSet):
    """A support set and one query; `target` is the class that is explained, by default the predicted one."""

    query: Id
    target: Label | None = None
    language: Language = "en"


class Prediction(_Strict):
    """Items whose class is asked for."""

    task: Id
    queries: Annotated[list[Id], Field(min_length=1, max_length=limits.QUERIES)]


class Explanation(_Strict):
    """One item whose prediction is to be explained in full, in about `seconds`."""

    task: Id
    query: Id
    target: Label | None = None
    seconds: Annotated[float, Field(ge=1, le=120)] = limits.SECONDS
    language: Language = "en"


class Asked(_Strict):
    """A query whose right answer is known."""

    item: Id
    label: Label


class Audit(_Strict):
    """What a task answers to queries whose right answers are known, to be put on record."""

    task: Id
    queries: Annotated[list[Asked], Field(min_length=1, max_length=limits.QUERIES)]
    language: Language = "en"
