"""A run that was not trained, and its workbench."""

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


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    recipe = recipes.load("digits-protonet", ["network.hidden=8", "network.blocks=2"])
    domain = open_domain("digits")
    made = Run.create(folder, recipe=recipe, domain=domain)
    torch.manual_seed(0)
    made.save_best(recipes.build(recipe, domain).state_dict())
    return folder


@pytest.fixture
def client(run: Path, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(run, tmp_path / "store", waiting=2), base_url="http://127.0.0.1") as client:
        yield client
