"""What the tests of the workbench send: pictures, and support sets made of them."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from fewsight.app.wording import CATALOGUES

HOSTILE = "<img src=x onerror=alert(1)>"


def picture(seed: int = 0, side: int = 20) -> bytes:
    """Light noise on dark, as PNG."""
    pixels = np.random.default_rng(seed).integers(0, 120, (side, side), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def upload(client: TestClient, name: str = "a.png", payload: bytes | None = None) -> Any:
    return client.post("/api/images", params={"name": name}, content=picture() if payload is None else payload)


def in_chinese(client: TestClient, path: str, **sent: Any) -> bool:
    """Whether the server refuses this in Chinese, in words of its own: not by quoting the English ones."""
    answer = client.post(path, headers={"accept-language": "zh-CN,zh;q=0.9"}, **sent)
    assert answer.status_code >= 400
    said = answer.json()["error"]
    return any("一" <= letter <= "鿿" for letter in said) and CATALOGUES["zh"]["mistake_other"][:5] not in said


def question(client: TestClient, labels: tuple[str, ...] = ("a", "a", "b", "b", "c")) -> dict[str, Any]:
    """A support set of uploaded noise, and a query."""
    ids = [upload(client, f"{i}.png", picture(i)).json()["item"] for i in range(len(labels) + 1)]
    examples = [{"item": item, "label": label, "on": True} for item, label in zip(ids, labels, strict=False)]
    return {"examples": examples, "query": ids[-1]}


def ended(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it is over."""
    deadline = time.monotonic() + 60
    while job["state"] in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
        job = client.get(f"/api/jobs/{job['id']}").json()
    return job
