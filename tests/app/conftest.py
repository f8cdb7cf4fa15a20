"""Runs that were not trained, one for each kind of input, and the workbench of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient

from fewsight import recipes
from fewsight.app.server import create_app
from fewsight.domains import open_domain
from fewsight.training import Run
from untrained import untrained_runs


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    recipe = recipes.load("digits-protonet", ["network.hidden=8", "network.blocks=2"])
    domain = open_domain("digits")
    made = Run.create(folder, recipe=recipe, domain=domain)
    torch.manual_seed(0)
    made.save_best(recipes.build(recipe, domain).state_dict(), step=1, score=0.0)
    return folder


@pytest.fixture
def client(run: Path, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(run, tmp_path / "store", waiting=2), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs by name; see `untrained_runs`."""
    return untrained_runs(tmp_path_factory.mktemp("kinds"))
