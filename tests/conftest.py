"""What all tests share: one thread, a cache of their own, and the real data and the browser where they are there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import sync_playwright

from fewsight import cli
from fewsight.domains import Episodes, open_domain
from fewsight.domains.domain import ClassDomain
from fewsight.domains.images.omniglot import ARCHIVES, LISTS, open_omniglot
from realdata import absent

# Tests are many small tensors: threads would only wait for each other. Programs that tests start inherit it.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests leave the user's cache alone; `FEWSIGHT_CACHE` keeps one between sessions."""
    with pytest.MonkeyPatch.context() as patch:
        if "FEWSIGHT_CACHE" not in os.environ:
            patch.setenv("FEWSIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def fewsight(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """The command line: call it with arguments, get exit status, standard output and standard error."""

    def invoke(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fewsight", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return invoke


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The directory of real data. Absent: the test is skipped, or fails when `FEWSIGHT_REQUIRE_DATA=1`."""
    named = os.environ.get("FEWSIGHT_DATA")
    if not named:
        absent("real data: FEWSIGHT_DATA is not set")
    if not Path(named).is_dir():
        absent(f"real data: FEWSIGHT_DATA={named} does not exist")
    return Path(named)


@pytest.fixture(scope="session")
def omniglot(data_dir: Path) -> ClassDomain:
    """The real Omniglot with its rotations."""
    if missing := [file.name for file in (*ARCHIVES, *LISTS) if file.find(data_dir) is None]:
        absent(f"Omniglot: {data_dir} lacks {', '.join(missing)}")
    return open_omniglot(data_dir)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a screen. Absent: the test is skipped, or fails when `FEWSIGHT_REQUIRE_BROWSER=1`."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        absent("Chromium on the PATH to drive", "FEWSIGHT_REQUIRE_BROWSER")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=quiet)
        yield started
        started.close()


@pytest.fixture(scope="session")
def digits() -> Episodes:
    """Handwritten digits, 3 ways, 1 shot, 4 queries per class."""
    return Episodes(open_domain("digits").family("test", ways=3, shots=1, queries=4), seed=3, name="test")
