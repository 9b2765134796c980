"""Limits of request bodies: one that is too large, or large and anonymous, is refused unread.

An ASGI application in front of all others. uvicorn passes a body on while it arrives, so this is
enough there. daphne, the server of runserver, collects a body first; `config.server.daphne_limits`
applies the same rules there.
"""

import asyncio
import json
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from uuid import uuid4

from django.conf import settings

MIB = 1024 * 1024
# The fields and boundaries around a file in a multipart form.
MULTIPART_OVERHEAD_BYTES = 64 * 1024
WEBHOOK_BYTES = MIB // 2
OTHER_BYTES = MIB
WEBHOOK_PREFIXES = ("/api/webhooks/", "/api/payments/webhook/", "/api/videos/sora/callback")
UPLOAD_PATHS = {
    *("/api/videos", "/api/videos/create", "/api/videos/upload"),
    *("/studio/", "/studio/reference/"),
}
UPLOAD_PREFIXES = ("/v1/", "/sandbox/v1/", "/admin/")
# After a refusal we read on for BODY_LINGER_SECONDS and this much.
LINGER_BYTES = 8 * MIB

Headers = Iterable[tuple[bytes, bytes]]
DETAIL = {401: "Not authenticated", 408: "Request timeout", 413: "Payload too large"}


def limit_of(path: str) -> int:
    """Return how many bytes a body may have at this path."""
    if path.startswith(WEBHOOK_PREFIXES):
        return WEBHOOK_BYTES
    if path in UPLOAD_PATHS or path.startswith(UPLOAD_PREFIXES):
        return int(settings.UPLOAD_MAX_BYTES) + MULTIPART_OVERHEAD_BYTES
    return OTHER_BYTES


def refusal_status(path: str, headers: Headers, size: int) -> int:
    """Return the status (401 or 413) that refuses a body of `size` bytes; 0 when it is allowed."""
    if size <= min(OTHER_BYTES, limit_of(path)):
        return 0
    if size > limit_of(path):
        return 413
    return 0 if _has_credentials(headers) else 401


def _has_credentials(headers: Headers) -> bool:
    """Return whether credentials were sent; they are checked later."""
    for name, value in headers:
        if name in {b"authorization", b"x-api-key"} and value.strip():
            return True
        if name == b"cookie" and _has_session(value):
            return True
    return False


def _has_session(cookie: bytes) -> bool:
    try:
        return settings.SESSION_COOKIE_NAME in SimpleCookie(cookie.decode("latin-1"))
    except CookieError:
        return False


def refusal_response(status: int) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the headers and the JSON body of a refusal with this status (401, 408 or 413)."""
    body = json.dumps({"detail": DETAIL[status]}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"private, no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", uuid4().hex.encode()),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers, body


# ---- ASGI ----


class BodyLimits:
    """ASGI middleware that refuses bodies beyond the limits."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        if exchange.code:
            await exchange.refuse()
            return
        await self._app(scope, exchange.receive, exchange.send)
        if exchange.code and not exchange.answered:
            await exchange.refuse()


class Exchange:
    """One request and its answer; `code` is the status of a refusal, 0 without one."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self._path, self._headers = scope["path"], list(scope["headers"])
        self._receive, self._send = receive, send
        self._size, self._is_complete = 0, False
        self.answered = False
        self.code = refusal_status(self._path, self._headers, self._declared())

    def _declared(self) -> int:
        length = dict(self._headers).get(b"content-length", b"0")
        return int(length) if length.isdigit() else 0

    async def receive(self) -> Any:
        """Return the next part of the body; after a refusal, tell the application to stop."""
        if self._is_complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), settings.BODY_IDLE_SECONDS)
        except TimeoutError:
            self.code = 408
            return {"type": "http.disconnect"}
        self._size += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        self.code = refusal_status(self._path, self._headers, self._size)
        return {"type": "http.disconnect"} if self.code else message

    async def send(self, message: Any) -> None:
        self.answered = True
        await self._send(message)

    async def refuse(self) -> None:
        headers, body = refusal_response(self.code)
        start = {"type": "http.response.start", "status": self.code, "headers": headers}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        if self.code != 408 and b"expect" not in dict(self._headers):
            await self._linger()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        left = LINGER_BYTES
        try:
            async with asyncio.timeout(settings.BODY_LINGER_SECONDS):
                while left > 0 and not self._is_complete:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    self._is_complete = not message.get("more_body", False)
        except TimeoutError:
            pass
