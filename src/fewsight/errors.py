"""What can go wrong, as one small hierarchy: every message says what, where and what to do.

The command line prints a `FewsightError` as one line and exits with status 2; anything else is a bug and keeps its
traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class FewsightError(Exception):
    """Base of all errors a user can cause and mend."""


class DataError(FewsightError):
    """A file or a value of the user's data is missing, unreadable or unusable."""


class RecipeError(FewsightError):
    """A recipe or a setting has an unknown key, a wrong type or an impossible value."""


class RunError(FewsightError):
    """A run folder is missing, truncated, of another version, or cannot be written."""


class LearnerError(FewsightError):
    """A learner is asked for something it cannot do (more ways than its head has, an unknown parameter...)."""


class ExplanationError(FewsightError):
    """An explanation is not defined for this learner, task or target."""


def suggest(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the nearest known word, else the list of known words."""
    known = sorted(known)
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
