"""What does the API take? The bodies of its requests; sizes are bounded here, before any work is done."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from fewsight.app import limits
from fewsight.app.wording import CATALOGUES


def _mistake(key: str, **blanks: Any) -> PydanticCustomError:
    return PydanticCustomError(key, CATALOGUES["en"][key], blanks)


def _label(text: str) -> str:
    text = text.strip()
    if not text:
        raise _mistake("class_unnamed")
    if not text.isprintable():
        raise _mistake("class_lines")
    return text


def _raw(raw: str | dict[str, Any]) -> str | dict[str, Any]:
    if isinstance(raw, str):
        if len(raw) > limits.TEXT:
            raise _mistake("string_too_long", max_length=limits.TEXT)
        return raw
    if len(raw) > limits.COLUMNS:
        raise _mistake("columns_many", count=limits.COLUMNS)
    for name, value in raw.items():
        if not (value is None or isinstance(value, str | int | float)):
            raise _mistake("cell_kind", column=name[:40])
        if max(len(name), len(str(value))) > limits.CELL:
            raise _mistake("cell_long", column=name[:40], count=limits.CELL)
    return raw


Label = Annotated[str, Field(max_length=limits.LABEL), AfterValidator(_label)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
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


class Asked(_Strict):
    """A query whose right answer is known."""

    item: Id
    label: Label


class Audit(_Strict):
    """What a task answers to queries whose right answers are known, to be put on record."""

    task: Id
    queries: Annotated[list[Asked], Field(min_length=1, max_length=limits.QUERIES)]
