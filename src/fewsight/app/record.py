"""What of the workbench goes on record? The same audit as `fewsight audit` files, of items instead of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import torch

from fewsight import audit, tree
from fewsight.explain.crowd import crowd
from fewsight.explain.population import of_crowd
from fewsight.explain.provenance import digest
from fewsight.explain.valuation import verified
from fewsight.learner import Learner
from fewsight.tree import Tree
from fewsight.usertask import UserTask

ITEMS = "given in the workbench; hashes are of what the model saw"


def audited(task: UserTask, learner: Learner, truth: Sequence[str]) -> audit.Audit:
    """The audit record of what `task` answers.

    Args:
        learner: the one of `task`, or a copy of it that can be interrupted.
        truth: the right answer to each query, a class of the support.
    """
    names, asked = task.examples.names, task.queries.names
    case = crowd(
        learner,
        task.support,
        task.queries.x,
        truth,
        names=names,
        query_names=asked,
        repeatable=True,
    )
    found = of_crowd(case)
    labels = tuple(str(label) for label in task.support.labels or ())
    shares = torch.from_numpy(case.answers()).softmax(-1).max(-1)
    return audit.Audit(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command="",
        hashes=audit._hashes(task, case, None),
        lineage=audit._lineage(task),
        computed=audit._computed(case) | {"inputs": ITEMS},
        labels=labels,
        support=tuple(
            audit.Example(name, _sha256(task.examples.x, i), labels[c], None)
            for i, (name, c) in enumerate(zip(names, task.support.y.tolist(), strict=True))
        ),
        queries=tuple(
            audit.Example(name, _sha256(task.queries.x, i), label, None, labels[answer], share)
            for i, (name, label, answer, share) in enumerate(
                zip(asked, truth, shares.indices.tolist(), shares.values.tolist(), strict=True)
            )
        ),
        caveats=(*audit._caveats(task), *task.notes),
        population=replace(found, valuation=verified(case, found.valuation)),
    )


def _sha256(x: Tree, place: int) -> str:
    return digest([(str(i), leaf[place]) for i, leaf in enumerate(tree.leaves(x))])
