"""What of the workbench goes on record? The same audit as `fewsight audit` files, of items instead of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fewsight.audit import Audit, of_task
from fewsight.learner import Learner
from fewsight.usertask import UserTask

ITEMS = "given in the workbench; hashes are of what the model saw"


def audited(task: UserTask, learner: Learner, truth: Sequence[str]) -> Audit:
    """The audit record of what `task` answers.

    Args:
        learner: the one of `task`, or a copy of it that can be interrupted.
        truth: the right answer to each query, a class of the support.
    """
    record = of_task(task, truth, learner=learner)
    return replace(record, computed=record.computed | {"inputs": ITEMS})
