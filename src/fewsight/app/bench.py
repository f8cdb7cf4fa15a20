"""What does the workbench do, apart from speaking HTTP? A run, its learner, a store, and the verbs on them."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from fewsight.app import items, limits
from fewsight.app.drawn import shown
from fewsight.app.jobs import Gate, Job, Jobs
from fewsight.app.quick import quick
from fewsight.app.record import audited
from fewsight.app.sample import Samples
from fewsight.app.schema import Audit, Example, Explanation, Given, Question
from fewsight.app.store import Item, Store
from fewsight.app.wording import MistakeError, say
from fewsight.domains import Examples, Format, offers
from fewsight.errors import DataError
from fewsight.explain import explain
from fewsight.explain.record import plain
from fewsight.report import render
from fewsight.report.audit import render_audit
from fewsight.report.words import Words
from fewsight.task import Support
from fewsight.training import Run
from fewsight.training.record import recorded
from fewsight.usertask import UserTask, answers, simply


@dataclass(frozen=True, eq=False)
class Taught:
    """The examples of a task that are on: as items, as the model sees them, and the format that its queries need."""

    items: list[Item]
    support: Support
    examples: Examples
    form: Format


class Workbench:
    """A trained run, opened to work with.

    Args:
        run: folder of a run.
        folder: where items and analyses are kept; default `workbench` in the run folder.

    Raises:
        RunError, DataError: there is no such run, or its tasks take no inputs of a person's own.
    """

    def __init__(self, run: str | Path, folder: Path | None = None, *, waiting: int = limits.JOBS) -> None:
        self.run = Run.open(run)
        self.form = self.run.format
        self.values = self.run.values
        if self.values and self.run.info["domain"]["outputs"] != 1:
            raise DataError(
                f"{run} predicts several values at once; the workbench shows models of one value or classes"
            )
        self.learner = self.run.learner()
        self.store = Store(folder or self.run.folder / "workbench", self.form)
        self.gate, self.jobs = Gate(), Jobs(waiting)

    def close(self) -> None:
        self.jobs.close()
        self.store.close()

    @cached_property
    def experience(self) -> Any:
        return recorded(self.run)

    @cached_property
    def samples(self) -> Samples | DataError:
        """The sample tasks, or why there are none."""
        try:
            return Samples(self.run)
        except DataError as error:
            return error

    def warm(self) -> None:
        """Answer a sample, so that the first person does not wait for what is loaded on first use."""
        if (task := self.sample(0, "en")) is not None:
            examples = [Example(item=each["item"], label=each["label"]) for each in task["examples"]]
            self.quick(Question(examples=examples, query=task["query"]["item"]), "en")

    def upload(self, name: str, payload: bytes, language: str) -> dict[str, Any]:
        return _told(*items.take_image(self.store, self.form, name, payload, language), language)

    def take(self, given: Sequence[Given], language: str) -> list[dict[str, Any]]:
        return [_told(*each, language) for each in items.take(self.store, self.form, given, language)]

    def taught(self, examples: Sequence[Example]) -> Taught:
        """The examples that are on, in order; classes in order of first appearance."""
        on = [(place, example) for place, example in enumerate(examples) if example.on]
        if self.values and len(on) < 2:
            raise MistakeError("waiting_values")
        if not self.values and len({example.label for _, example in on}) < 2:
            raise MistakeError("waiting")
        found = self.store.items(example.item for _, example in on)
        form = items.fitted(self.form, found)
        seen = items.encode(form, found)
        labels = [example.label for _, example in on]
        if self.values:
            numbers = [_number(example.label, f"examples.{place}.label") for place, example in on]
            return Taught(found, Support.of(seen.x, torch.tensor(numbers)), seen, form)
        return Taught(found, Support.of(seen.x, labels), seen, form)

    def adapt(self, examples: Sequence[Example]) -> dict[str, Any]:
        support = self.taught(examples).support
        with torch.no_grad():
            self.learner.adapt(support)  # says now what would be wrong with it later
        task = self.store.add_task({"examples": [example.model_dump() for example in examples]})
        return {"task": task, "classes": [str(label) for label in support.labels or ()]}

    def predict(self, task: str, queries: Sequence[str]) -> list[dict[str, Any]]:
        found = self._asked(self.taught(self._examples(task)), self.store.items(queries))
        return [{"item": item} | answer for item, answer in zip(queries, answers(found), strict=True)]

    def quick(self, question: Question, language: str) -> dict[str, Any]:
        """The light answer; `used` says which of the examples its values belong to."""
        taught = self.taught(question.examples)
        _require(question.target, taught.support)
        query = items.encode(taught.form, self.store.items([question.query]))
        found = quick(self.learner, taught.support, query, taught.examples.names, question.target, language)
        return found | {"used": [place for place, example in enumerate(question.examples) if example.on]}

    def explain(self, asked: Explanation, language: str) -> Job:
        """Queue the full explanation; the job's result is the id of a saved analysis."""
        examples = self._examples(asked.task)
        taught = self.taught(examples)
        _require(asked.target, taught.support)
        [item] = self.store.items([asked.query])
        asked_of = self._asked(taught, [item])
        query = asked_of.queries

        def work(job: Job) -> str:
            analysis = explain(
                job.interruptible(self.learner),
                taught.support,
                query.x,
                target=asked.target,
                names=taught.examples.names,
                parts=query.views[0].parts or None,
                offers=offers(taught.form, query, taught.examples),
                experience=self.experience,
                budget_seconds=asked.seconds,
            )
            job.check()
            analysis = replace(analysis, caveats=(*analysis.caveats, *asked_of.doubts))
            page = render(
                analysis,
                support_views=taught.examples.views,
                query_view=query.views[0],
                simple=simply(asked_of),
                nearness=asked_of.nearness,
                notes=asked_of.notes,
                language=language,
            )
            answer = f"{analysis.scores[0]:.4g}" if self.values else analysis.labels[analysis.predicted]
            task = {"examples": [each.model_dump() for each in examples], "query": item.id, "target": asked.target}
            kept = [*(each.item for each in examples), item.id]
            return self.store.save(f"{item.name}: {answer}", task, json.dumps(plain(analysis.to_json())), page, kept)

        return self.jobs.submit(work, asked.seconds)

    def audit(self, asked: Audit, language: str) -> Job:
        """Queue an audit record; the job's result is the id of its saved page and record."""
        if self.values:
            raise MistakeError("audit_values")
        examples = self._examples(asked.task)
        taught = self.taught(examples)
        known = taught.support.labels or ()
        for place, query in enumerate(asked.queries):
            if query.label not in known:
                raise MistakeError("class_empty", f"queries.{place}.label", label=query.label)
        found = self._asked(taught, self.store.items(query.item for query in asked.queries))

        def work(job: Job) -> str:
            record = audited(found, job.interruptible(self.learner), [query.label for query in asked.queries])
            job.check()
            page = render_audit(record, taught.examples.views, language)
            questions = [query.model_dump() for query in asked.queries]
            task = {"examples": [each.model_dump() for each in examples], "query": None, "questions": questions}
            kept = [*(each.item for each in examples), *(query.item for query in asked.queries)]
            title = say(language, "audit_title", questions=len(record.queries), examples=len(record.support))
            return self.store.save(title, task, json.dumps(record.to_json()), page, kept)

        return self.jobs.submit(work, limits.SECONDS)

    def sample(self, number: int, language: str) -> dict[str, Any] | None:
        """A task the learner has not seen, its query, and more of known answers; None where there is none."""
        if isinstance(self.samples, DataError):
            return None
        task = self.samples[number]
        examples = self._kept(task.support, "sample_value" if self.values else "sample_example", language)
        questions = self._kept(task.queries, "sample_question", language)
        return {"examples": examples, "questions": questions, "query": questions[task.asked]}

    def reopened(self, task: dict[str, Any]) -> dict[str, Any]:
        """A saved task with its pictures, as the front end shows it."""
        told = self._shown
        found = {"examples": told(task["examples"]), "questions": told(task.get("questions", []))}
        query = told([{"item": task["query"]}])[0] if task["query"] else None
        return found | {"query": query, "target": task.get("target")}

    def _shown(self, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        found = self.store.items(entry["item"] for entry in entries)
        if not found:
            return []
        views = items.encode(items.fitted(self.form, found), found).views
        return [shown(item, view) | entry for item, view, entry in zip(found, views, entries, strict=True)]

    def _kept(self, given: Sequence[tuple[Any, str]], name: str, language: str) -> list[dict[str, Any]]:
        """Raw inputs and their labels as labelled items; `name` is the key for those that are no name themselves."""
        counts: Counter[str] = Counter()
        entries = []
        for place, (raw, label) in enumerate(given, 1):
            counts[label] += 1
            called = items.excerpt(raw, language) or say(language, name, label=label, count=counts[label], place=place)
            entries.append({"item": self.store.add(called, raw).id, "label": label, "on": True})
        return self._shown(entries)

    def _asked(self, taught: Taught, queries: list[Item]) -> UserTask:
        seen = items.encode(taught.form, queries)
        return UserTask(self.run, self.learner, taught.form, taught.support, taught.examples, seen)

    def _examples(self, task: str) -> list[Example]:
        return [Example(**example) for example in self.store.task(task)["examples"]]


def _told(item: Item, examples: Examples, language: str) -> dict[str, Any]:
    return shown(item, examples.views[0]) | {"notes": list(map(Words(language).told, examples.notes))}


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise MistakeError("value_no_number", where, value=text)
    return value


def _require(target: str | None, support: Support) -> None:
    if target is not None and target not in (support.labels or ()):
        raise MistakeError("target_empty", "target", label=target)
