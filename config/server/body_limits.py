"""Limits of request bodies: one that is too large, or large and not signed in, is refused unread.

An ASGI application in front of all others. uvicorn passes a body on while it arrives, so this is
enough there. daphne, the server of runserver, collects a body first; `config.server.daphne_limits`
applies the same rules there.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError

from accounts.auth.errors import AddressNotAllowed
from config.lib import rate_limits
from config.lib.api.parsers import BATCH_BYTES
from config.lib.web import arrival
from config.server import credentials
from config.server.refusals import refusal_response

log = logging.getLogger(__name__)

MIB = 1024 * 1024
# The fields and boundaries around a file in a multipart form.
MULTIPART_OVERHEAD_BYTES = 64 * 1024
WEBHOOK_BYTES = MIB // 2
OTHER_BYTES = MIB
BATCH_PATHS = {"/api/videos/batch", "/studio/batch/"}
WEBHOOK_PREFIXES = ("/api/webhooks/", "/api/payments/webhook/", "/api/videos/sora/callback")
UPLOAD_PATHS = {
    *("/api/videos", "/api/videos/create", "/api/videos/upload"),
    *("/studio/", "/studio/reference/", "/settings/avatar/"),
}
# Where anybody has a file checked, without an account; the file is not kept.
PUBLIC_UPLOAD_PATHS = {"/verify/", "/api/verify"}
UPLOAD_PREFIXES = ("/v1/", "/sandbox/v1/", "/admin/")
# After a refusal we read on for BODY_LINGER_SECONDS and this much.
LINGER_BYTES = 8 * MIB


def limit_of(path: str) -> int:
    """Return how many bytes a body may have at this path."""
    if path.startswith(WEBHOOK_PREFIXES):
        return WEBHOOK_BYTES
    if path in UPLOAD_PATHS or path.startswith(UPLOAD_PREFIXES):
        return int(settings.UPLOAD_MAX_BYTES) + MULTIPART_OVERHEAD_BYTES
    if path in PUBLIC_UPLOAD_PATHS:
        return int(settings.VERIFY_MAX_BYTES) + MULTIPART_OVERHEAD_BYTES
    if path in BATCH_PATHS:
        return BATCH_BYTES
    return OTHER_BYTES


def is_too_large(path: str, size: int) -> bool:
    """Return whether a body of `size` bytes is refused at this path, whoever sends it."""
    return size > limit_of(path)


def needs_credentials(path: str, size: int) -> bool:
    """Return whether a body of `size` bytes is read only for somebody who is signed in."""
    return path not in PUBLIC_UPLOAD_PATHS and size > min(OTHER_BYTES, limit_of(path))


def credentials_status(scope: Mapping[str, Any]) -> int:
    """Return the status that refuses a large body, or 0.

    It is 401, 403 where an API key may not be used from the client's address, or 503 without a
    database.
    """
    address = rate_limits.address_of_scope(scope)
    try:
        return 0 if credentials.are_valid(scope["path"], scope["headers"], address) else 401
    except AddressNotAllowed:
        return 403
    except DatabaseError:
        log.warning("credentials could not be checked", exc_info=True)
        return 503


# ---- ASGI ----


class BodyLimits:
    """ASGI middleware that refuses bodies beyond the limits, and notes when a request arrived."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrival.note(scope)
        exchange = Exchange(scope, receive, send)
        await exchange.check()
        if exchange.code:
            await exchange.refuse()
            return
        await self._app(scope, exchange.receive, exchange.send)
        if exchange.code and not exchange.answered:
            await exchange.refuse()


class Exchange:
    """One request and its answer; `code` is the status of a refusal, 0 without one."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self._scope, self._path, self._headers = scope, scope["path"], list(scope["headers"])
        self._receive, self._send = receive, send
        self._size, self._is_complete, self._is_signed_in = 0, False, False
        self._waited = 0.0  # for the client, in seconds
        self.answered = False
        self.code = 0

    async def check(self) -> None:
        """Set `code` when what was declared or has arrived is too much."""
        size = max(self._size, self._declared())
        if is_too_large(self._path, size):
            self.code = 413
        elif needs_credentials(self._path, size) and not self._is_signed_in:
            check = database_sync_to_async(credentials_status)
            self.code = await check(self._scope)
            self._is_signed_in = not self.code

    def _declared(self) -> int:
        length = dict(self._headers).get(b"content-length", b"0")
        return int(length) if length.isdigit() else 0

    async def receive(self) -> Any:
        """Return the next part of the body; after a refusal, tell the application to stop."""
        if self._is_complete:
            return await self._receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(settings.BODY_IDLE_SECONDS):  # wait_for starts a task
                message = await self._receive()
        except TimeoutError:
            self.code = 408
            return {"type": "http.disconnect"}
        self._waited += time.monotonic() - began
        self._size += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if not self._is_complete and self._is_too_slow():
            self.code = 408
        else:
            await self.check()
        return {"type": "http.disconnect"} if self.code else message

    def _is_too_slow(self) -> bool:
        """Whether we have waited too long for what has come, part by part."""
        allowed = settings.BODY_IDLE_SECONDS + self._size / settings.BODY_BYTES_PER_SECOND
        return self._waited > allowed

    async def send(self, message: Any) -> None:
        self.answered = True
        await self._send(message)

    async def refuse(self) -> None:
        refusal = refusal_response(self.code, self._scope)
        start = {"type": "http.response.start", "status": refusal.status}
        await self._send(start | {"headers": refusal.headers})
        await self._send({"type": "http.response.body", "body": refusal.body, "more_body": True})
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
