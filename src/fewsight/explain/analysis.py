"""All explanations of one prediction together: the value that the page draws and the JSON exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from fewsight.explain.explanation import Explanation
from fewsight.explain.task_map import TaskMap

SCHEMA = "fewsight.analysis/1"


@dataclass(frozen=True, eq=False)
class Analysis(Mapping[str, Explanation]):
    """One query explained: the verdict and its explanations by kind.

    Attributes:
        labels: class names as text, in the order of the scores.
        support_labels: class index of each support example, `(K,)`.
        support_names: a name for each support example (its file, or "support 3").
        probabilities: of each class for this query, from the adapted model.
        unadapted: the same from the un-adapted model.
        predicted, runner_up: class indices.
        explanations: by kind.
        left_out: kinds that were not computed, and why.
        caveats: declared properties of the learner that bear on everything (transductive, label order).
        provenance: hashes of parameters and support, seed, versions.
        task: "classification" or "regression"; in regression there are no probabilities, `labels` name the outputs, and
            `predicted` and `runner_up` are the output explained.
        scores, unadapted_scores: logits, or predicted values in regression.
        task_map: where the task lies in the learner's experience; None where its meta-training was not recorded.
        support_values: regression: the values of each support example, `(K, d)`.
    """

    labels: tuple[str, ...]
    support_labels: tuple[int, ...]
    support_names: tuple[str, ...]
    probabilities: tuple[float, ...]
    unadapted: tuple[float, ...]
    predicted: int
    runner_up: int
    explanations: dict[str, Explanation]
    left_out: dict[str, str] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    task: str = "classification"
    scores: tuple[float, ...] = ()
    unadapted_scores: tuple[float, ...] = ()
    support_values: tuple[tuple[float, ...], ...] = ()
    task_map: TaskMap | None = None

    def __getitem__(self, kind: str) -> Explanation:
        return self.explanations[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self.explanations)

    def __len__(self) -> int:
        return len(self.explanations)

    @property
    def failures(self) -> dict[str, list[str]]:
        """Failed checks by explanation; empty when everything can be trusted."""
        return {kind: e.failures for kind, e in self.explanations.items() if e.failures}

    def __str__(self) -> str:
        if self.task == "regression":
            verdict = ", ".join(f"{label} {z:.4g}" for label, z in zip(self.labels, self.scores, strict=True))
        else:
            share = ", ".join(f"{label} {p:.1%}" for label, p in zip(self.labels, self.probabilities, strict=True))
            verdict = f"{self.labels[self.predicted]} ({share})"
        head = [f"prediction: {verdict}", *(f"caveat: {text}" for text in self.caveats)]
        if self.task_map is not None:
            head.append(str(self.task_map))
        body = [str(explanation) for explanation in self.explanations.values()]
        tail = [f"left out: {kind}: {why}" for kind, why in self.left_out.items()]
        return "\n\n".join(["\n".join(head), *body, *tail])

    def _repr_html_(self) -> str:
        """What a notebook shows: the page, in a frame of its own, which runs no script."""
        frame = "width: 100%; height: 45em; border: 1px solid gray"
        return f'<iframe sandbox title="explanation" style="{frame}" srcdoc="{escape(self.to_html())}"></iframe>'

    def to_html(self) -> str:
        """The whole page, in one file. See `report.render` for views of the examples and other languages."""
        from fewsight.report import render  # the page knows explanations; they know of it only here

        return render(self)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`."""
        return {
            "schema": SCHEMA,
            "labels": list(self.labels),
            "support_labels": list(self.support_labels),
            "support_names": list(self.support_names),
            "probabilities": list(self.probabilities),
            "unadapted": list(self.unadapted),
            "predicted": self.labels[self.predicted],
            "runner_up": self.labels[self.runner_up],
            "explanations": {kind: explanation.to_json() for kind, explanation in self.explanations.items()},
            "left_out": self.left_out,
            "caveats": list(self.caveats),
            "provenance": self.provenance,
            "task": self.task,
            "scores": list(self.scores),
            "unadapted_scores": list(self.unadapted_scores),
            "support_values": [list(values) for values in self.support_values],
            "task_map": None if self.task_map is None else self.task_map.to_json(),
        }
