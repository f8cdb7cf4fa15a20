"""What does the API take? The bodies of its requests; sizes are bounded here, before any work is done."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fewsight.app import limits


def _label(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("give the class a name")
    if not text.isprintable():
        raise ValueError("a class name is one line of text")
    return text


Label = Annotated[str, Field(max_length=limits.LABEL), AfterValidator(_label)]
Id = Annotated[str, Field(min_length=1, max_length=64)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Example(_Strict):
    """One labelled image of a support set; `on` false: as if it had never been given."""

    image: Id
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
    """Images whose class is asked for."""

    task: Id
    queries: Annotated[list[Id], Field(min_length=1, max_length=limits.QUERIES)]


class Explanation(_Strict):
    """One image whose prediction is to be explained in full, in about `seconds`."""

    task: Id
    query: Id
    target: Label | None = None
    seconds: Annotated[float, Field(ge=1, le=120)] = limits.SECONDS
