"""How is long work done without holding up the rest? One at a time, from a short queue, and it can be called off."""

from __future__ import annotations

import copy
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fewsight.app import limits
from fewsight.app.wording import MistakeError, told
from fewsight.errors import FewsightError
from fewsight.learner import Learner

logger = logging.getLogger(__name__)


class BusyError(MistakeError):
    """Too much is waiting; `seconds` says when to come back."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, round(seconds))
        super().__init__("busy", status=429, seconds=self.seconds)


class CancelledError(Exception):
    """The work was called off."""


@dataclass(eq=False)
class Job:
    """One piece of work. `state` is queued, running, done, failed or cancelled; `result` names what it made."""

    work: Callable[[Job], str]
    seconds: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: str = "queued"
    started: float = 0.0
    result: str | None = None
    error: FewsightError | None = None
    off: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        return self.state not in ("queued", "running")

    @property
    def progress(self) -> float:
        """The share of the time allowed that is spent; 1 once it has ended."""
        if self.state == "queued":
            return 0.0
        return min(0.99, (time.monotonic() - self.started) / self.seconds) if self.state == "running" else 1.0

    def check(self) -> None:
        """Raise `CancelledError` once it was called off; work calls this now and then."""
        if self.off.is_set():
            raise CancelledError

    def interruptible(self, learner: Learner) -> Learner:
        """A copy of `learner` that checks before each adaptation."""
        twin = copy.deepcopy(learner)
        twin.register_forward_pre_hook(lambda module, inputs: self.check())
        return twin


class Jobs:
    """A queue of at most `waiting` jobs and one thread that works it off."""

    def __init__(self, waiting: int = limits.JOBS) -> None:
        self._waiting, self._queue, self._closed = waiting, deque[Job](), False
        self._known: OrderedDict[str, Job] = OrderedDict()
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="fewsight-jobs", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Job], str], seconds: float) -> Job:
        """Queue `work`, which takes about `seconds` and returns the name of what it made.

        Raises:
            BusyError: the queue is full.
        """
        job = Job(work, seconds)
        with self._change:
            if len(self._queue) >= self._waiting:
                raise BusyError(
                    min((1 - each.progress) * each.seconds for each in self._known.values() if not each.ended)
                )
            self._queue.append(job)
            self._known[job.id] = job
            for old in [each.id for each in self._known.values() if each.ended][: -limits.REMEMBERED]:
                del self._known[old]
            self._change.notify()
        return job

    def get(self, job: str) -> Job | None:
        return self._known.get(job)

    def cancel(self, job: Job) -> None:
        """Call it off: at once if it waits, else at its next adaptation. What has ended stays as it is."""
        with self._change:
            job.off.set()
            if job in self._queue:
                self._queue.remove(job)
                job.state = "cancelled"

    def close(self) -> None:
        """Call everything off and wait for the thread."""
        for job in [each for each in self._known.values() if not each.ended]:
            self.cancel(job)
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join(timeout=10)

    def _next(self) -> Job | None:
        with self._change:
            self._change.wait_for(lambda: self._queue or self._closed)
            if not self._queue:
                return None
            job = self._queue.popleft()
            job.state, job.started = "running", time.monotonic()
            return job

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job.result = job.work(job)
                job.state = "done"
            except CancelledError:
                job.state = "cancelled"
            except FewsightError as error:
                job.error, job.state = error, "failed"
            except Exception:  # a defect in one job must not end the thread that serves the others
                logger.exception("job %s failed", job.id)
                job.error, job.state = MistakeError("job_failed"), "failed"


class Gate:
    """Light work goes through one at a time, in the order it came; at most `waiting` wait.

    Each holds a thread of the server while it waits, so a bound here is what keeps jobs and pages answered.
    """

    def __init__(self, waiting: int = limits.WAITING) -> None:
        self._waiting, self._line, self._change = waiting, deque[object](), threading.Condition()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        me = object()
        with self._change:
            if len(self._line) > self._waiting:
                raise BusyError(limits.QUICK_SECONDS)
            self._line.append(me)
            self._change.wait_for(lambda: self._line[0] is me)
        try:
            yield
        finally:
            with self._change:
                self._line.popleft()
                self._change.notify_all()


def state(job: Job, language: str) -> dict[str, Any]:
    """The job as the API tells it."""
    return {
        "id": job.id,
        "state": job.state,
        "progress": round(job.progress, 3),
        "analysis": job.result,
        "error": None if job.error is None else told(job.error, language),
    }
