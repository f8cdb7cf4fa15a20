"""Finding, verifying and downloading data; the network is a server on this machine."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from fewsight.domains.datadir import DataFile, cache_dir, data_dir, fetch
from fewsight.errors import DataError

BODY = bytes(range(256)) * 20
SHA256 = hashlib.sha256(BODY).hexdigest()


class Server(HTTPServer):
    """Serves `BODY` at /good, half of it at /cut, other bytes at /other, nothing elsewhere; counts requests."""

    requests = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        body = {"/good/a.bin": BODY, "/cut/a.bin": BODY, "/other/a.bin": b"<html>Sign in</html>"}.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path.startswith("/cut") else body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def remote(server: Server) -> Callable[[str], DataFile]:
    def make(kind: str) -> DataFile:
        address = f"http://127.0.0.1:{server.server_port}/{kind}/a.bin"
        return DataFile("things", "sub/a.bin", address, f"sha256:{SHA256}")

    return make


def files_below(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_downloads_once_into_the_data_sets_own_folder(
    tmp_path: Path, server: Server, remote: Callable[[str], DataFile]
) -> None:
    for _ in range(2):
        (path,) = fetch([remote("good")], tmp_path)
        assert path == tmp_path / "things/sub/a.bin"
        assert path.read_bytes() == BODY
    assert server.requests == 1
    assert files_below(tmp_path) == ["things/sub/a.bin"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("cut", "the connection ended after 2560 of 5120 bytes"), ("other", "sent something else"), ("gone", "Not Found")],
)
def test_failed_download_leaves_nothing_and_says_what_to_put_where(
    tmp_path: Path, remote: Callable[[str], DataFile], kind: str, reason: str
) -> None:
    file = remote(kind)
    with pytest.raises(DataError, match=reason) as caught:
        fetch([file], tmp_path)
    assert f"{file.address} as {tmp_path / 'things/sub/a.bin'}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files_below(tmp_path) == []
    assert kind != "gone" or not list(tmp_path.iterdir()), "no folder is made for what is not to be had"


def test_without_network_one_message_names_every_missing_file(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens: connections are refused
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        files = [DataFile("things", name, address + name, f"sha256:{SHA256}") for name in ("a.bin", "b.bin", "c.bin")]
        (tmp_path / "b.bin").write_bytes(BODY)
        with pytest.raises(DataError, match="missing and could not be downloaded") as caught:
            fetch(files, tmp_path)
    for name in ("a.bin", "c.bin"):
        assert f"{address}{name} as {tmp_path / 'things' / name}" in str(caught.value)
    assert "b.bin" not in str(caught.value)


@pytest.mark.parametrize("place", ["things/sub", "sub"])
def test_present_file_is_found_in_its_folder_or_directly_and_verified(tmp_path: Path, place: str) -> None:
    file = DataFile("things", "sub/a.bin", "http://127.0.0.1:1/", f"sha256:{SHA256}")
    path = tmp_path / place / "a.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)
    assert fetch([file], tmp_path) == [path]
    path.write_bytes(BODY[:-1])
    with pytest.raises(DataError, match="corrupt or not the published file") as caught:
        fetch([file], tmp_path)
    assert str(path) in str(caught.value)
    assert file.address in str(caught.value)
    assert fetch([file], tmp_path, unverified=[file]) == [path]


def test_other_bytes_with_the_same_content_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(BODY[::-1])
    file = DataFile(
        "things", "a.bin", "http://127.0.0.1:1/", f"sha256:{SHA256}", lambda path: path.read_bytes()[::-1] == BODY
    )
    assert fetch([file], tmp_path) == [path]
    path.write_bytes(BODY[1:])
    with pytest.raises(DataError, match="corrupt"):
        fetch([file], tmp_path)


def test_data_directory_is_the_argument_then_the_variable_then_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    monkeypatch.setenv("FEWSIGHT_DATA", str(tmp_path / "two"))
    monkeypatch.setenv("FEWSIGHT_CACHE", str(tmp_path / "cache"))
    assert data_dir(tmp_path / "one") == tmp_path / "one"
    assert data_dir() == tmp_path / "two"
    monkeypatch.delenv("FEWSIGHT_DATA")
    assert data_dir() == cache_dir() / "data" == tmp_path / "cache/data"


def test_named_data_directory_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEWSIGHT_DATA", str(tmp_path / "typo"))
    for data in (None, tmp_path / "typo"):
        with pytest.raises(DataError, match="typo does not exist"):
            data_dir(data)


@pytest.mark.parametrize(
    ("platform", "variable", "place"),
    [
        ("linux", "XDG_CACHE_HOME", "{value}/fewsight"),
        ("linux", None, "{home}/.cache/fewsight"),
        ("darwin", None, "{home}/Library/Caches/fewsight"),
        ("win32", "LOCALAPPDATA", "{value}/fewsight"),
        ("win32", None, "{home}/AppData/Local/fewsight"),
    ],
)
def test_cache_follows_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variable: str | None, place: str
) -> None:
    for name in ("FEWSIGHT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    assert cache_dir().as_posix() == place.format(value=tmp_path / "elsewhere", home=tmp_path)
