"""What does the workbench do, apart from speaking HTTP? A run, its learner, a store, and the verbs on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewsight.app import limits, uploads
from fewsight.app.jobs import Gate, Job, Jobs
from fewsight.app.quick import quick
from fewsight.app.schema import Example, Explanation, Question
from fewsight.app.store import Image, Store
from fewsight.domains import Episodes, UserImages, image_format, open_domain
from fewsight.errors import DataError
from fewsight.explain import explain
from fewsight.explain.record import plain
from fewsight.report import render
from fewsight.report.pictures import THUMBNAIL, data_uri
from fewsight.task import Support
from fewsight.training import Run
from fewsight.training.record import recorded

SHOTS = 2
"""Examples of a class in a sample task: few enough for exact values at once."""


class Workbench:
    """A trained run, opened to work with.

    Args:
        run: folder of a run on images.
        folder: where images and analyses are kept; default `workbench` in the run folder.

    Raises:
        RunError, DataError: there is no such run, or it does not take images.
    """

    def __init__(self, run: str | Path, folder: Path | None = None, *, waiting: int = limits.JOBS) -> None:
        self.run = Run.open(run)
        domain = self.run.recipe.domain
        self.format = image_format(domain.name, **domain.settings)
        self.learner = self.run.learner()
        self.store = Store(folder or self.run.folder / "workbench", self.format)
        self.gate, self.jobs = Gate(), Jobs(waiting)

    def close(self) -> None:
        self.jobs.close()
        self.store.close()

    @cached_property
    def experience(self) -> Any:
        return recorded(self.run)

    def warm(self) -> None:
        """Answer a task of noise, so that the first person does not wait for what torch loads on first use."""
        noise = np.random.default_rng(0).random((5, *self.store.shape)).astype(np.float32)
        x = torch.from_numpy(noise)
        quick(self.learner, Support.of(x[:4], ["a", "a", "b", "b"]), x[4:], [str(i) for i in range(4)])

    def upload(self, name: str, payload: bytes) -> dict[str, Any]:
        image, notes = uploads.take(self.store, self.format, name, payload)
        return shown(image) | {"notes": list(notes)}

    def support(self, examples: Sequence[Example]) -> tuple[Support, list[Image]]:
        """The examples that are on, in order; classes in order of first appearance."""
        on = [example for example in examples if example.on]
        labels = [example.label for example in on]
        if len(set(labels)) < 2:
            raise DataError("give at least two classes an example that is switched on")
        images = self.store.images(example.image for example in on)
        return Support.of(_user(images).x, labels), images

    def adapt(self, examples: Sequence[Example]) -> dict[str, Any]:
        support, _ = self.support(examples)
        with torch.no_grad():
            self.learner.adapt(support)  # says now what would be wrong with it later
        task = self.store.add_task({"examples": [example.model_dump() for example in examples]})
        return {"task": task, "classes": [str(label) for label in support.labels or ()]}

    def predict(self, task: str, queries: Sequence[str]) -> list[dict[str, Any]]:
        support, _ = self.support(self._examples(task))
        images = self.store.images(queries)
        rows = self.learner.adapt(support).probabilities(_user(images).x).tolist()
        labels = [str(label) for label in support.labels or ()]
        return [
            {
                "query": image.id,
                "name": image.name,
                "prediction": labels[int(np.argmax(row))],
                "probabilities": dict(zip(labels, row, strict=True)),
            }
            for image, row in zip(images, rows, strict=True)
        ]

    def quick(self, question: Question) -> dict[str, Any]:
        """The light answer; `used` says which of the examples its values belong to."""
        support, images = self.support(question.examples)
        _require(question.target, support)
        query = _user(self.store.images([question.query])).x
        found = quick(self.learner, support, query, [image.name for image in images], question.target)
        return found | {"used": [place for place, example in enumerate(question.examples) if example.on]}

    def explain(self, asked: Explanation) -> Job:
        """Queue the full explanation; the job's result is the id of a saved analysis."""
        examples = self._examples(asked.task)
        support, images = self.support(examples)
        _require(asked.target, support)
        query = self.store.images([asked.query])[0]

        def work(job: Job) -> str:
            analysis = explain(
                job.interruptible(self.learner),
                support,
                _user([query]).x,
                target=asked.target,
                names=[image.name for image in images],
                experience=self.experience,
                budget_seconds=asked.seconds,
            )
            job.check()
            page = render(analysis, support_images=_user(images).pictures, query_image=_user([query]).pictures[0])
            task = {"examples": [each.model_dump() for each in examples], "query": query.id, "target": asked.target}
            title = f"{query.name}: {analysis.labels[analysis.predicted]}"
            return self.store.save(title, task, json.dumps(plain(analysis.to_json())), page)

        return self.jobs.submit(work, asked.seconds)

    def sample(self, number: int) -> dict[str, Any] | None:
        """A task the learner has not seen, with one query; None where the run's images are not embedded here."""
        if (family := self._family) is None:
            return None
        task = Episodes(family, 0, "workbench")[number]
        names = [str(task.support.labels[c]) for c in task.support.y.tolist()] if task.support.labels else []
        pixels = (255 * torch.cat([task.support.x, task.query])).round().byte().numpy()
        rng = np.random.default_rng(number)
        chosen = len(names) + int(rng.integers(len(task.query)))
        examples = [
            shown(self.store.add_image(f"{label} no. {place % SHOTS + 1}", image)) | {"label": label, "on": True}
            for place, (label, image) in enumerate(zip(names, pixels, strict=False))
        ]
        return {"examples": examples, "query": shown(self.store.add_image("unknown digit", pixels[chosen]))}

    @cached_property
    def _family(self) -> Any:
        part = self.run.recipe.domain
        if part.name != "digits":
            return None
        return open_domain("digits").family("test", ways=self.run.recipe.test.ways, shots=SHOTS, queries=1)

    def reopened(self, task: dict[str, Any]) -> dict[str, Any]:
        """A saved task with its pictures, as the front end shows it."""
        images = self.store.images([*(example["image"] for example in task["examples"]), task["query"]])
        examples = [shown(image) | example for image, example in zip(images, task["examples"], strict=False)]
        return {"examples": examples, "query": shown(images[-1]), "target": task["target"]}

    def _examples(self, task: str) -> list[Example]:
        return [Example(**example) for example in self.store.task(task)["examples"]]


def shown(image: Image) -> dict[str, Any]:
    """An image as the API tells it; `picture` is a PNG data address."""
    return {
        "image": image.id,
        "name": image.name,
        "picture": data_uri(_user([image]).pictures[0], THUMBNAIL),
    }


def _require(target: str | None, support: Support) -> None:
    if target is not None and target not in (support.labels or ()):
        raise DataError(f"class {target!r} has no example that is switched on: explain another")


def _user(images: Sequence[Image]) -> UserImages:
    return UserImages(np.stack([image.pixels for image in images]), tuple(image.name for image in images))
