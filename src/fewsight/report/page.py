"""How does one prediction become a page? Sections from the analysis, one template, one file that needs nothing else.

The page runs no script and asks no network, and says so to the browser (Content-Security-Policy); names of classes and
files are escaped wherever they stand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from fewsight.errors import RunError
from fewsight.explain.analysis import Analysis
from fewsight.report import palette
from fewsight.report.adaptation import adaptation, experience
from fewsight.report.changes import changes
from fewsight.report.checks import tested
from fewsight.report.embed import embed
from fewsight.report.evidence import evidence
from fewsight.report.numerals import capital, plain
from fewsight.report.pairs import pairs
from fewsight.report.plain import limits, paragraph
from fewsight.report.query import parts
from fewsight.report.shared import shared
from fewsight.report.subject import Subject
from fewsight.report.verdict import light, probabilities, simply, sureness
from fewsight.report.views import Shown, as_view, viewed
from fewsight.report.words import Words


def write_page(
    analysis: Analysis,
    path: str | os.PathLike[str],
    *,
    support_views: Sequence[Shown] | None = None,
    query_view: Shown | None = None,
    command: str = "",
    title: str | None = None,
    protocol: Mapping[str, Any] | None = None,
    simple: Mapping[str, str] | None = None,
    nearness: Sequence[str] = (),
    notes: Sequence[str] = (),
    language: str = "en",
) -> Path:
    """Write `render(...)` to `path`, whole or not at all, and return the path.

    Raises:
        DataError: pictures that do not fit the analysis or are no uint8 images, or an unknown language.
        RunError: the file cannot be written; what stood there before is untouched.
    """
    page = render(
        analysis,
        support_views=support_views,
        query_view=query_view,
        command=command,
        title=title,
        protocol=protocol,
        simple=simple,
        nearness=nearness,
        notes=notes,
        language=language,
    )
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise RunError(
            f"cannot write the page {path}: {error.strerror}; choose a file in an existing folder"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
    return path


def render(
    analysis: Analysis,
    *,
    support_views: Sequence[Shown] | None = None,
    query_view: Shown | None = None,
    command: str = "",
    title: str | None = None,
    protocol: Mapping[str, Any] | None = None,
    simple: Mapping[str, str] | None = None,
    nearness: Sequence[str] = (),
    notes: Sequence[str] = (),
    language: str = "en",
) -> str:
    """The page as HTML.

    Args:
        analysis: what `explain` returned.
        support_views: one for each support example, a `View` or a picture `(H, W)` or `(H, W, 3)` of uint8; None: names
            stand alone.
        query_view: that of the query.
        command: the command line that makes this page again.
        title: of the page; default: "Why “answer”?".
        protocol: how the learner was trained and tested, by name.
        simple: the answers of simple methods that saw the same support, by name.
        nearness: sentences about how near the query is to the support.
        notes: what was done to support and query when they were read.
        language: one of `words.CATALOGUES`; what it has no words for stays English.
    """
    words = Words(language)
    subject = Subject(
        analysis,
        words,
        viewed(support_views, analysis.support_names),
        None if query_view is None else as_view(query_view, "the query"),
    )
    return template("page.html.j2").render(
        subject=subject,
        analysis=analysis,
        words=words,
        title=title or words("title_value" if subject.regression else "title", label=subject.answer),
        style=palette.style(),
        light=light(subject),
        sureness=sureness(subject),
        probabilities=probabilities(subject),
        simple=simply(subject, simple or {}),
        nearness=[words.told(sentence) for sentence in nearness],
        notes=[words.told(note) for note in notes],
        evidence=evidence(subject),
        shared=shared(subject),
        parts=parts(subject),
        adaptation=adaptation(subject),
        experience=experience(subject),
        changes=changes(subject),
        pairs=pairs(subject),
        tested=tested(subject),
        paragraph=paragraph(subject),
        limits=limits(subject),
        embedded=embed(analysis),
        command=command,
        protocol=protocol or {},
    )


@cache
def template(name: str) -> Any:
    """A template with everything escaped unless it is markup of our own making."""
    environment = Environment(
        loader=PackageLoader("fewsight.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": plain, "capital": capital}
    return environment.get_template(name)
