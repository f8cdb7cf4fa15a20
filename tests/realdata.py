"""What happens to a test whose real data is not there? It is skipped, or fails where data is required."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip, saying what is missing; with `FEWSIGHT_REQUIRE_DATA=1` fail."""
    if os.environ.get("FEWSIGHT_REQUIRE_DATA") == "1":
        pytest.fail(f"FEWSIGHT_REQUIRE_DATA is set, but there is no {reason}")
    pytest.skip(f"no {reason}")
