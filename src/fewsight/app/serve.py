"""How does `fewsight serve` run? It takes the port first, then loads the run, and serves until it is interrupted."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import uvicorn

from fewsight.app.guard import check_token
from fewsight.app.server import create_app
from fewsight.errors import DataError


def serve(
    run: Path,
    *,
    host: str,
    port: int,
    token: str | None,
    folder: Path | None,
    show: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the workbench of `run`; port 0 takes any that is free.

    Args:
        show: open it in the browser.
        say: takes the address.

    Raises:
        RunError, DataError: a run, an address or a token that cannot be used.
    """
    check_token(host, token)
    taken = _bind(host, port)
    try:
        app = create_app(run, folder, host=host, token=token)
        app.state.bench.warm()
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{taken.getsockname()[1]}/" + (f"?token={quote(token)}" if token else "")
        say(f"workbench of {run}: {address} (stop with Ctrl-C)")
        if show:
            webbrowser.open(address)
        settings = uvicorn.Config(app, log_level="warning", limit_concurrency=256, timeout_keep_alive=5)
        uvicorn.Server(settings).run(sockets=[taken])
    finally:
        taken.close()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise DataError(f"--host {host} is no address of this machine ({error.strerror})") from error
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(128)  # without it another server could still bind the same port
    except OSError as error:
        found.close()
        raise DataError(f"cannot serve on {host}:{port} ({error.strerror}): choose another --port or --host") from error
    return found
