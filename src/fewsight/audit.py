"""What does an auditor file? One record of what a run answered from which examples, why, how surely, and for whom.

The same inputs give the same record to the last byte, apart from `date`: nothing in it is decided by the clock, and
everything drawn at random has a seed. `fingerprint` is the hash of the record without its date, so that two audits can
be compared at a glance.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from fewsight import tree
from fewsight.cohort import folder_labels, read_groups
from fewsight.domains import GUESSED, Columns
from fewsight.errors import DataError
from fewsight.explain.crowd import Crowd, crowd
from fewsight.explain.population import Population, of_crowd
from fewsight.explain.progress import bar
from fewsight.explain.provenance import digest, provenance
from fewsight.explain.record import of_fields, plain
from fewsight.explain.valuation import verified
from fewsight.learner import Learner
from fewsight.tree import Tree
from fewsight.usertask import UserTask, read_task, simple_answers

SCHEMA = "fewsight.audit/2"
"""Fields and types are those of docs/audit.schema.json; whoever changes them counts this up."""

Sides = tuple[tuple[str, ...] | None, tuple[str, ...] | None]
"""Groups of the queries and of the support examples."""


@dataclass(frozen=True)
class Example:
    """One support example or query.

    Attributes:
        file: its path within the folder that was given.
        sha256: of the file.
        label: the class it is known to be of; None for an unlabelled query.
        group: the group it belongs to; None without groups.
        answer, probability: a query's answer and its probability; None for a support example.
    """

    file: str
    sha256: str
    label: str | None
    group: str | None
    answer: str | None = None
    probability: float | None = None


@dataclass(frozen=True, eq=False)
class Audit:
    """The record.

    Attributes:
        date: when it was made; the only field that differs between two audits of the same inputs.
        command: what makes it again.
        hashes: SHA-256 of the checkpoint file, of parameters, support, queries and their answers as the model saw
            them, and of the groups file.
        lineage: recipe, protocol, data and versions of the training, and how its best checkpoint scored.
        computed: seed, threads and versions of this audit.
        labels: the classes.
        support, queries: what went in, and what came out for each query.
        repeats: queries that are support examples, which test nothing; support examples that contradict each other.
        caveats: declared properties of the learner that bear on everything; what was done to the images.
        simple: by name of a simple method that saw the same support: the share of queries it answers rightly; None
            where right answers are not known.
        population: performance, valuation with its checks, effects, doubtful labels, flips, confusion, fairness.
    """

    date: str
    command: str
    hashes: dict[str, str]
    lineage: dict[str, Any]
    computed: dict[str, Any]
    labels: tuple[str, ...]
    support: tuple[Example, ...]
    queries: tuple[Example, ...]
    repeats: tuple[str, ...]
    caveats: tuple[str, ...]
    simple: dict[str, float] | None
    population: Population

    def undated(self) -> dict[str, Any]:
        """A plain dictionary of everything but the date, schema `SCHEMA`."""
        fields = of_fields(self)
        del fields["date"]
        return plain({"schema": SCHEMA} | fields)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the record without its date."""
        return hashlib.sha256(json.dumps(self.undated(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`, with the date and the fingerprint."""
        return {"date": self.date, "fingerprint": self.fingerprint} | self.undated()

    @property
    def lost_to(self) -> list[str]:
        """The simple methods that answer more queries rightly than the learner, best first."""
        own, simple = self.population.performance, self.simple or {}
        better = [name for name in simple if own and own.accuracy is not None and simple[name] > own.accuracy]
        return sorted(better, key=lambda name: -simple[name])

    @property
    def losses(self) -> list[str]:
        """A line for each of them."""
        return [
            f"THE LEARNER LOSES to {name}, which answers {(self.simple or {})[name]:.1%} of the queries rightly"
            for name in self.lost_to
        ]

    def __str__(self) -> str:
        lines = [f"audit of {len(self.queries)} answers from {len(self.support)} examples, {self.date}"]
        lines[1:1] = self.losses
        lines += [f"caveat: {text}" for text in (*self.repeats, *self.caveats)]
        lines += [f"{name}: {value}" for name, value in self.hashes.items()]
        return "\n".join([*lines, "", str(self.population), "", f"fingerprint {self.fingerprint}"])


def audit(
    run: str | Path,
    support: Path,
    query: Path | Sequence[Path],
    *,
    groups: Path | None = None,
    columns: Columns = GUESSED,
    command: str = "",
    seed: int = 0,
) -> tuple[Audit, UserTask]:
    """Audit what `run` answers to the queries from the support folder; also the task as it was read, with its images.

    Args:
        query: an image or a folder, or several; queries of one folder are labelled where they lie in subfolders named
            like the support classes.
        groups: CSV that gives each query its group, see `cohort.read_groups`; default: the group columns of tables.
        columns: what the columns of tables mean.
        command: the command line that makes the same record again.

    Raises:
        RunError, DataError, ExplanationError: see `read_task`, `read_groups`, `crowd` and `fairness`.
    """
    paths = [query] if isinstance(query, Path) else list(query)
    task = read_task(run, support, paths, columns)
    if task.run.values:
        raise DataError(f"{run} predicts values, and an audit is of classes: explain its answers one at a time instead")
    names, asked = task.examples.names, task.queries.names
    labels = tuple(str(label) for label in task.support.labels or ())
    truth = _truth(task, labels) if len(paths) == 1 else None
    if groups is not None and truth is None:
        raise DataError(
            "groups are compared by how well they are answered, so their queries need labels: "
            f"give --query a folder with the subfolders {', '.join(labels)}, or a table with a column of labels"
        )
    if groups is not None:
        sides: Sides = read_groups(groups, asked, names)
    else:
        sides = (task.queries.groups, task.examples.groups) if truth else (None, None)
    root = paths[0] if paths[0].is_dir() else paths[0].parent
    hashes = (
        _sha256([support / name for name in names], task.examples.x),
        _sha256([root / name for name in asked] if len(paths) == 1 else list(map(Path, asked)), task.queries.x),
    )
    record = of_task(task, truth, groups=sides, hashes=hashes, command=command, seed=seed)
    if groups is not None:
        record = replace(record, hashes=record.hashes | {"groups file": file_sha256(groups)})
    return record, task


@bar("auditing")
def of_task(
    task: UserTask,
    truth: Sequence[str] | None,
    *,
    learner: Learner | None = None,
    groups: Sides = (None, None),
    hashes: tuple[Sequence[str], Sequence[str]] | None = None,
    command: str = "",
    seed: int = 0,
) -> Audit:
    """The record of what the learner of a task answers to its queries.

    Args:
        truth: the right answers, classes of the support; None: unknown.
        learner: a copy of the task's, one that can be interrupted.
        groups: of the queries and of the support examples.
        hashes: of the files of the support examples and of the queries; default: of what the model sees of each.
    """
    names, asked = task.examples.names, task.queries.names
    labels = tuple(str(label) for label in task.support.labels or ())
    case = crowd(
        learner or task.learner,
        task.support,
        task.queries.x,
        truth,
        names=names,
        query_names=asked,
        seed=seed,
        repeatable=True,
    )
    found = of_crowd(case, *groups)
    shares = torch.from_numpy(case.answers()).softmax(-1).max(-1)
    given, questions = hashes or (_sha256([], task.examples.x), _sha256([], task.queries.x))
    return Audit(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        hashes=_hashes(task, case),
        lineage=_lineage(task),
        computed=_computed(case),
        labels=labels,
        support=tuple(
            Example(name, sha256, labels[c], group)
            for name, sha256, c, group in zip(
                names,
                given,
                task.support.y.tolist(),
                [None] * len(names) if groups[1] is None else groups[1],
                strict=True,
            )
        ),
        queries=tuple(
            Example(name, sha256, label, group, labels[answer], share)
            for name, sha256, label, group, answer, share in zip(
                asked,
                questions,
                [None] * case.size if truth is None else truth,
                [None] * case.size if groups[0] is None else groups[0],
                shares.indices.tolist(),
                shares.values.tolist(),
                strict=True,
            )
        ),
        repeats=task.repeats,
        caveats=(*_caveats(task), *(doubt for doubt in task.doubts if doubt not in task.repeats), *task.notes),
        simple=None if truth is None else _simple(task, [labels.index(label) for label in truth]),
        population=replace(found, valuation=verified(case, found.valuation)),
    )


def _simple(task: UserTask, truth: Sequence[int]) -> dict[str, float]:
    """The share of queries that each simple method answers rightly."""
    right = torch.tensor(truth)
    found = simple_answers(task)
    return {name: (scores.argmax(-1) == right).double().mean().item() for name, scores in found.items()}


def _truth(task: UserTask, labels: Sequence[str]) -> tuple[str, ...] | None:
    """Labels of the queries, from the column of labels of a table or the folders they lie in; None: unknown."""
    if (given := task.queries.labels) is None:
        return folder_labels(task.queries.names, labels)
    if unknown := next((label for label in given if label not in labels), None):
        raise DataError(f"a query is labelled {unknown!r}, which no support example is: add one, or remove that query")
    return given


def _sha256(paths: Sequence[Path], x: Tree) -> list[str]:
    """Of the file of each example; of what the model sees where it is one of many in a file."""
    return [
        file_sha256(paths[place])
        if paths and paths[place].is_file()
        else digest([(str(i), leaf[place]) for i, leaf in enumerate(tree.leaves(x))])
        for place in range(tree.length(x))
    ]


def file_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hashes(task: UserTask, case: Crowd) -> dict[str, str]:
    seen = provenance(case)
    return {
        "checkpoint": task.run.weights_sha256,
        "parameters": seen["learner_sha256"],
        "support": seen["support_sha256"],
        "queries": seen["query_sha256"],
        **({"query labels": digest([("truth", case.truth)])} if case.labelled else {}),
    }


def _lineage(task: UserTask) -> dict[str, Any]:
    """What run.json says of the training (without its timings), and the score of the weights that are used."""
    info = task.run.info
    told = ("recipe", "protocol", "domain", "start", "versions", "command")
    kept = {name: info[name] for name in told if name in info}
    best = task.run.best()
    return kept | ({} if best is None else {"best": {name: best[name] for name in ("step", "score")}})


def _computed(case: Crowd) -> dict[str, Any]:
    """What the same numbers need: the seed, the versions, and as many threads."""
    return {
        "seed": case.seed,
        "threads": torch.get_num_threads(),
        "versions": provenance(case)["versions"],
        "adaptations": len(case.known),
    }


def _caveats(task: UserTask) -> list[str]:
    learner = task.learner
    said = {
        "This learner is transductive: queries influence each other, and each was asked alone.": learner.transductive,
        "Answers depend on the order in which the classes are listed; this is one order.": learner.label_order_matters,
        "Answers depend on the order of the support examples; this is one order.": learner.order_dependent,
    }
    return [text for text, applies in said.items() if applies]
