"""Drives the workbench in a real browser: a server that listens, and a page on which no word may be said."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from fewsight.app.server import create_app


@contextmanager
def listening(run: Path, store: Path) -> Iterator[str]:
    """The address of a workbench that really listens."""
    app = create_app(run, store)
    app.state.bench.warm()
    taken = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        taken.close()


@contextmanager
def strict(browser: Any, address: str, query: str = "", **context: Any) -> Iterator[Any]:
    """The workbench with its sample task answered; any word on the console is an error, and so is a stranger."""
    view = browser.new_page(viewport={"width": 1280, "height": 900}, **context)
    said: list[str] = []
    view.on("console", lambda message: said.append(message.text))
    view.on("pageerror", lambda error: said.append(str(error)))
    view.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    view.on("request", lambda sent: None if sent.url.startswith((address, "data:")) else said.append(sent.url))
    view.goto(f"{address}/{query}")
    answered(view, 1)
    yield view
    view.close()
    # Chromium itself reports a request that the server refused, which some tests provoke.
    assert [text for text in said if "status of 422" not in text] == []


def answered(page: Any, times: int) -> None:
    page.wait_for_selector(f'.side[data-answered="{times}"]', state="attached", timeout=20_000)
