"""The page of an analysis of digits, which several tests read."""

from __future__ import annotations

import pytest
from page_digits import Digits, make_digits


@pytest.fixture(scope="session")
def digits() -> Digits:
    return make_digits()
