"""What happens to a test whose real data or browser is not there? It is skipped, or fails where that is required."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(reason: str, switch: str = "FEWSIGHT_REQUIRE_DATA") -> NoReturn:
    """Skip, saying what is missing; with the environment variable `switch` set to 1 fail."""
    if os.environ.get(switch) == "1":
        pytest.fail(f"{switch} is set, but there is no {reason}")
    pytest.skip(f"no {reason}")
