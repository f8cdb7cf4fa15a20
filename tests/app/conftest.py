"""A run that was not trained, its workbench, and pictures to upload."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image

from fewsight import recipes
from fewsight.app.server import create_app
from fewsight.domains import open_domain
from fewsight.training import Run

HOSTILE = "<img src=x onerror=alert(1)>"


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


def picture(seed: int = 0, side: int = 20) -> bytes:
    """Light noise on dark, as PNG."""
    pixels = np.random.default_rng(seed).integers(0, 120, (side, side), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def upload(client: TestClient, name: str = "a.png", payload: bytes | None = None) -> Any:
    return client.post("/api/images", params={"name": name}, content=picture() if payload is None else payload)


def question(client: TestClient, labels: tuple[str, ...] = ("a", "a", "b", "b", "c")) -> dict[str, Any]:
    """A support set of uploaded noise, and a query."""
    ids = [upload(client, f"{i}.png", picture(i)).json()["image"] for i in range(len(labels) + 1)]
    examples = [{"image": image, "label": label, "on": True} for image, label in zip(ids, labels, strict=False)]
    return {"examples": examples, "query": ids[-1]}
