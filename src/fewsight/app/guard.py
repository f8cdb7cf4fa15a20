"""Who may ask, and what may a page do? Host, origin, token and size are checked before anything else sees a request."""

from __future__ import annotations

import ipaddress
import secrets
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fewsight.app import limits
from fewsight.app.wording import say, spoken
from fewsight.errors import DataError

TOKEN_LENGTH = 16
COOKIE = "fewsight"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""A saved page runs no script at all; its style stands inside, since it is one file."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_token(host: str, token: str | None) -> None:
    """Raise DataError unless `host` is this machine alone, or a token long enough is asked for."""
    if token is None and not is_loopback(host):
        raise DataError(f"--host {host} can be reached by others: give --token, {TOKEN_LENGTH} characters or more")
    if token is not None and (len(token) < TOKEN_LENGTH or not (token.isascii() and token.isprintable())):
        raise DataError(f"--token must be {TOKEN_LENGTH} or more printable ASCII characters")


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, missing tokens and long bodies; adds the security headers.

    Without a token only names of this machine are answered, so that no web page can reach the server by a name that is
    made to point here. With one, it is taken from `Authorization: Bearer`, or once from `?token=` into a cookie.
    """

    def __init__(self, app: ASGIApp, host: str, token: str | None) -> None:
        self.app, self.hosts, self.token = app, LOOPBACK | {host}, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        language = spoken(headers.get("accept-language"))
        limit = limits.FILE_BYTES if scope["path"] == "/api/images" else limits.BODY_BYTES
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, _too_large(limit, language))
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    out.setdefault(name, value)
            await send(message)

        refused = self._refuse(scope, headers, language)
        length = headers.get("content-length", "0")
        if refused is None and length.isdecimal() and int(length) > limit:
            refused = _error(413, _too_large(limit, language))
        if refused is not None:
            await refused(scope, receive, dressed)
        else:
            await self.app(scope, counted, dressed)

    def _refuse(self, scope: Scope, headers: Headers, language: str) -> Response | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.token is None and urlsplit(f"//{host}").hostname not in self.hosts:
            return _error(421, say(language, "host_foreign"))
        if origin is not None and scope["method"] not in ("GET", "HEAD") and urlsplit(origin).netloc != host:
            return _error(403, say(language, "origin_foreign"))
        if self.token is None:
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ")
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        if self._right(given) or (cookie is not None and self._right(cookie.value)):
            return None
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and self._right(asked):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
            return answer
        return _error(401, say(language, "token_needed"))

    def _right(self, given: str) -> bool:
        return self.token is not None and secrets.compare_digest(given.encode(), self.token.encode())


def _too_large(limit: int, language: str) -> str:
    return say(language, "too_large", limit=f"{limit // 1024:,}")


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence, "where": None}, status)
